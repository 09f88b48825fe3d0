// Finds the number that a form over the free limit wants, so that nobody with a script has to answer the question.
"use strict";
(() => {
  const box = document.getElementById("work");
  if (!box) return;
  const form = document.getElementById("form"), state = document.getElementById("work-state");
  const question = document.getElementById("work-question"), nonce = document.getElementById("nonce");
  const bits = Number(box.dataset.bits), start = box.dataset.token + ":";
  let found = false, waiting = false;

  // SHA-256 (FIPS 180-4); the browser's own is not there on pages without TLS, and slower for short texts.
  const K = new Int32Array(64), H0 = new Int32Array(8);
  for (let n = 2, i = 0; i < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    const part = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
    if (i < 8) H0[i] = part(Math.sqrt(n));
    K[i++] = part(Math.cbrt(n));
  }
  const W = new Int32Array(64);

  // Mixes one block of 16 words into the state h.
  function mix(h, words, at) {
    for (let i = 0; i < 16; i++) W[i] = words[at + i];
    for (let i = 16; i < 64; i++) {
      const x = W[i - 15], y = W[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
    }
    let a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (k + s1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      k = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
  }

  // Returns the first word of the SHA-256 of an ASCII text; no more than 32 bits are ever asked for.
  function first(text) {
    const words = new Int32Array(((text.length + 8) >> 6 << 4) + 16);
    for (let i = 0; i < text.length; i++) words[i >> 2] |= text.charCodeAt(i) << (24 - (i & 3) * 8);
    words[text.length >> 2] |= 0x80 << (24 - (text.length & 3) * 8);
    words[words.length - 1] = text.length * 8;
    const h = Int32Array.from(H0);
    for (let at = 0; at < words.length; at += 16) mix(h, words, at);
    return h[0];
  }

  function search(from) {
    const until = performance.now() + 30; // the page stays usable meanwhile
    let n = from;
    while (performance.now() < until) {
      for (let i = 0; i < 200; i++, n++) {
        if (bits === 0 || first(start + n) >>> (32 - bits) === 0) return finish(n);
      }
    }
    setTimeout(search, 0, n);
  }

  function finish(n) {
    found = true;
    nonce.value = String(n);
    state.textContent = "Đã xác nhận xong, Ông/Bà có thể gửi.";
    if (waiting) form.requestSubmit();
  }

  question.hidden = true;
  state.textContent = "Máy của Ông/Bà đang tự xác nhận, xin chờ trong giây lát.";
  form.addEventListener("submit", (event) => {
    if (found) return;
    event.preventDefault();
    waiting = true;
    state.textContent = "Đang xác nhận, phản ánh sẽ được gửi ngay khi xong.";
  });
  search(0);
})();
