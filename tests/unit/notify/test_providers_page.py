"""What the page on providers shows can be used as it stands."""

from pathlib import Path

from services.notify.sending import providers

PAGE = Path(__file__).resolve().parents[3] / "docs" / "providers.md"


def test_the_example_of_the_page_is_a_file_of_providers() -> None:
    example = PAGE.read_text().split("```yaml\n")[1].split("```")[0]
    found = providers.read(example).providers
    assert {one.kind for one in found} == {"smtp", "http", "smpp", "webhook"}
    assert {one.gateway for one in found if isinstance(one, providers.Http)} == {"kannel", "esms", "speedsms"}
