"""The five Grafana boards, a few lines a panel. `python deploy/grafana/boards.py` writes the JSON that Grafana reads.

Texts are Vietnamese: operators read them. Gauges that copies share are put together with `max`, counters with `sum`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
COLUMNS = 24  # of Grafana's grid
OBLIGATIONS = "kind_state_timing:dondoc_obligations:max"
NO_SCRAPES = 'route!~"/metrics|/health/.*"'


@dataclass(frozen=True)
class Panel:
    """One panel. queries: PromQL with what stands in the legend. about: what a reader must know to read it right."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    about: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in the grid."""
        return (6, 4) if self.kind == "stat" else (12, 8)


def graph(title: str, query: str, legend: str, *, unit: str = "short", about: str = "") -> Panel:
    return Panel(title, ((query, legend),), unit=unit, about=about)


def figure(title: str, query: str, *, unit: str = "short", about: str = "") -> Panel:
    return Panel(title, ((query, ""),), unit=unit, kind="stat", about=about)


BOARDS: dict[str, tuple[str, tuple[Panel, ...]]] = {
    "flow": (
        "Luồng xử lý",
        (
            graph(
                "Thông điệp xử lý xong mỗi giây",
                'sum by (service, stream) (service_stream_outcome:dondoc_events:rate5m{outcome="done"})',
                "{{service}} ← {{stream}}",
                unit="reqps",
            ),
            graph("Thông điệp đang chờ", "service_stream:dondoc_consumer_pending:max", "{{service}} ← {{stream}}"),
            graph("Thông điệp đang xử lý", "service_stream:dondoc_consumer_unacked:max", "{{service}} ← {{stream}}"),
            graph(
                "Thời gian một giao dịch (95% nhanh hơn)",
                "service_stream:dondoc_batch_seconds:p95_5m",
                "{{service}} ← {{stream}}",
                unit="s",
            ),
            graph(
                "Số thông điệp trung bình trong một giao dịch",
                "sum by (service, stream) (rate(dondoc_batch_messages_sum[5m]))"
                " / sum by (service, stream) (rate(dondoc_batch_messages_count[5m]))",
                "{{service}} ← {{stream}}",
            ),
            graph(
                "Sự kiện đã ghi nhận, chưa phát",
                "max by (service) (dondoc_outbox_pending)",
                "{{service}}",
                about="Bình thường gần 0; trên 20.000 thì chương trình tạm dừng nhận thêm.",
            ),
            graph("Sự kiện chưa phát lâu nhất", "service:dondoc_outbox_oldest_seconds:max", "{{service}}", unit="s"),
            graph(
                "Mục đang bị cách ly",
                "sum by (service, reason) (max by (service, source, reason) (dondoc_quarantine_entries))",
                "{{service}}: {{reason}}",
                about="failed_alone: thông điệp hợp lệ nhưng chương trình xử lý lỗi, được thử lại mỗi 10 phút.",
            ),
        ),
    ),
    "deadlines": (
        "Thời hạn",
        (
            figure("Quá hạn", f'sum({OBLIGATIONS}{{state="open", timing="overdue"}}) or vector(0)'),
            figure("Sắp đến hạn", f'sum({OBLIGATIONS}{{state="open", timing="due_soon"}}) or vector(0)'),
            figure("Đang xử lý", f'sum({OBLIGATIONS}{{state="open"}})'),
            figure("Tạm dừng tính giờ", f'sum({OBLIGATIONS}{{state="paused"}}) or vector(0)'),
            graph("Việc đang mở theo thời hạn", f'sum by (timing) ({OBLIGATIONS}{{state="open"}})', "{{timing}}"),
            graph("Quá hạn theo loại việc", f'sum by (kind) ({OBLIGATIONS}{{timing="overdue"}})', "{{kind}}"),
            graph(
                "Việc kết thúc trong một giờ",
                f'sum by (kind) (delta({OBLIGATIONS}{{state="ended"}}[1h]))',
                "{{kind}}",
            ),
            graph(
                "Mốc thời gian đã qua mà chưa xử lý",
                "max by (service) (dondoc_timer_lag_seconds)",
                "{{service}}",
                unit="s",
                about="Bình thường dưới 2 giây.",
            ),
        ),
    ),
    "escalation": (
        "Đôn đốc",
        (
            figure("Việc đang bị đôn đốc", 'sum(level:dondoc_pressed:max{level!="0"}) or vector(0)'),
            figure("Thông báo đang chờ gửi", "sum(max by (channel) (dondoc_notices_waiting))"),
            figure("Chờ gửi lâu nhất", "max(dondoc_notices_oldest_seconds)", unit="s"),
            figure(
                "Gửi được trong 24 giờ",
                'sum(increase(dondoc_notices_total{outcome="sent"}[24h]))',
                about="Chỉ tăng khi DONDOC_NOTIFY_SEND là live hoặc allowlist.",
            ),
            graph(
                "Việc đang bị đôn đốc theo cấp",
                "level:dondoc_pressed:max",
                "cấp {{level}}",
                about="Cấp 0: đã nhắc sắp đến hạn, chưa quá hạn.",
            ),
            graph(
                "Thông báo trong một giờ theo kết quả",
                "channel_outcome:dondoc_notices:increase1h",
                "{{channel}}: {{outcome}}",
                about="recorded: chỉ ghi lại. withheld: không gửi, có lý do. try_later: nơi chuyển tiếp chưa nhận.",
            ),
            graph("Thông báo đang chờ gửi", "max by (channel) (dondoc_notices_waiting)", "{{channel}}"),
            graph(
                "Thời gian chờ gửi lâu nhất",
                "max by (channel) (dondoc_notices_oldest_seconds)",
                "{{channel}}",
                unit="s",
            ),
        ),
    ),
    "feeds": (
        "Nguồn dữ liệu",
        (
            graph(
                "Hồ sơ và tiến độ nhận mỗi giây",
                "sum by (source) (source_outcome:dondoc_feed_objects:rate5m)",
                "{{source}}",
                unit="reqps",
            ),
            graph(
                "Theo kết quả",
                "sum by (outcome) (source_outcome:dondoc_feed_objects:rate5m)",
                "{{outcome}}",
                unit="reqps",
                about="accepted: có thông tin mới. repeated: đã biết. refused: không hiểu được, bị cách ly.",
            ),
            graph(
                "Tỷ lệ bị từ chối trong một giờ",
                '(sum by (source) (increase(dondoc_feed_objects_total{outcome="refused"}[1h]))'
                " or 0 * sum by (source) (increase(dondoc_feed_objects_total[1h])))"
                " / sum by (source) (increase(dondoc_feed_objects_total[1h]))",
                "{{source}}",
                unit="percentunit",
            ),
            graph("Im lặng", "source:dondoc_feed_silence:seconds", "{{source}}", unit="s"),
            graph(
                "Dữ liệu bị cách ly theo lý do",
                'sum by (source, reason) (max by (source, reason) (dondoc_quarantine_entries{service="intake"}))',
                "{{source}}: {{reason}}",
            ),
            graph(
                "Dung lượng luồng FEED đã dùng",
                'stream:dondoc_stream_bytes:ratio{stream="FEED"}',
                "FEED",
                unit="percentunit",
            ),
            graph(
                "Thông điệp chờ intake đọc", 'service_stream:dondoc_consumer_pending:max{stream="FEED"}', "{{service}}"
            ),
            graph(
                "Yêu cầu đến intake theo kết quả",
                f'sum by (route, status) (rate(dondoc_http_requests_total{{service="intake", {NO_SCRAPES}}}[5m]))',
                "{{status}} {{route}}",
                unit="reqps",
            ),
        ),
    ),
    "infrastructure": (
        "Hạ tầng",
        (
            figure("Cảnh báo đang có", 'count(ALERTS{alertstate="firing"}) or vector(0)'),
            figure("Chương trình sẵn sàng (trên 5)", "count(min by (service) (dondoc_ready) == 1) or vector(0)"),
            figure("NATS", 'max(dondoc_server_up{server="nats"})', about="1: hoạt động"),
            figure("PostgreSQL", 'max(dondoc_server_up{server="database"})', about="1: hoạt động"),
            graph("Số bản sao đang chạy", "service:dondoc_copies:up", "{{service}}"),
            graph(
                "Số lần khởi động lại trong một giờ",
                'sum by (service) (changes(process_start_time_seconds{job="dondoc"}[1h]))',
                "{{service}}",
            ),
            graph("Dung lượng luồng đã dùng", "stream:dondoc_stream_bytes:ratio", "{{stream}}", unit="percentunit"),
            graph("Thông điệp trong luồng", "max by (stream) (dondoc_stream_messages)", "{{stream}}"),
            graph("Dữ liệu trong PostgreSQL", "max by (service) (dondoc_schema_bytes)", "{{service}}", unit="bytes"),
            graph(
                "Đồng hồ lệch với cơ sở dữ liệu",
                "max by (service) (abs(dondoc_clock_offset_seconds))",
                "{{service}}",
                unit="s",
            ),
            graph("Bộ nhớ", 'process_resident_memory_bytes{job="dondoc"}', "{{service}} {{instance}}", unit="bytes"),
            graph(
                "Bộ xử lý",
                'rate(process_cpu_seconds_total{job="dondoc"}[5m])',
                "{{service}} {{instance}}",
                unit="percentunit",
                about="100% là một nhân.",
            ),
            graph(
                "Yêu cầu HTTP mỗi giây theo kết quả",
                f"sum by (service, status) (rate(dondoc_http_requests_total{{{NO_SCRAPES}}}[5m]))",
                "{{service}} {{status}}",
                unit="reqps",
            ),
            graph(
                "Thời gian trả lời HTTP (95% nhanh hơn)", "service:dondoc_http_seconds:p95_5m", "{{service}}", unit="s"
            ),
            graph("Tệp đang mở", 'process_open_fds{job="dondoc"}', "{{service}} {{instance}}"),
            graph("Phiên bản", "count by (service, version) (dondoc_build_info)", "{{service}} {{version}}"),
        ),
    ),
}


def board(name: str) -> dict[str, Any]:
    """Return a board as Grafana reads it, panels in rows from left to right."""
    title, panels = BOARDS[name]
    placed, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(panels, 1):
        width, height = panel.size
        if x + width > COLUMNS:
            x, y, row = 0, y + row, 0
        placed.append(_panel(panel, id=number, at={"x": x, "y": y, "w": width, "h": height}))
        x, row = x + width, max(row, height)
    return {
        "uid": f"dondoc-{name}",
        "title": f"Đôn đốc – {title}",
        "tags": ["dondoc"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "timezone": "Asia/Ho_Chi_Minh",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "links": [
            {"type": "dashboards", "tags": ["dondoc"], "title": "Bảng khác", "asDropdown": True, "keepTime": True}
        ],
        "panels": placed,
    }


def _panel(panel: Panel, *, id: int, at: dict[str, int]) -> dict[str, Any]:
    options: dict[str, Any] = {"legend": {"displayMode": "list", "placement": "bottom"}}
    if panel.kind == "stat":
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}
    return {
        "id": id,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": at,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": options,
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for n, (query, legend) in enumerate(panel.queries)
        ],
    }


def text(name: str) -> str:
    """Return a board's file."""
    return json.dumps(board(name), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in BOARDS:
        (FOLDER / f"{name}.json").write_text(text(name), "utf-8")
