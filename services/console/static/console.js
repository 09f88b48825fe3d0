// Shows that the figures are old when the server does not answer.
"use strict";
for (const [event, lost] of [["htmx:sendError", true], ["htmx:responseError", true], ["htmx:timeout", true], ["htmx:afterSwap", false]]) {
  document.addEventListener(event, () => {
    document.getElementById("lost").hidden = !lost;
    document.getElementById("live").classList.toggle("old", lost);
  });
}
