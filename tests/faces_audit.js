"use strict";
// What a page must be wherever it is seen. Gives what is wrong, as short sentences by kind; `phone`: it is touched, `width`: of its window in pixels.
// eslint-disable-next-line no-unused-vars
function audit(phone, width) {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const resolved = new Map();

  // red, green, blue and alpha from 0 to 1, of whatever a computed style says
  function rgba(text) {
    if (!resolved.has(text)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = text;
      pen.fillRect(0, 0, 1, 1);
      resolved.set(text, [...pen.getImageData(0, 0, 1, 1).data].map((one) => one / 255));
    }
    return resolved.get(text);
  }

  const over = ([r, g, b, a], [u, v, w]) => [r * a + u * (1 - a), g * a + v * (1 - a), b * a + w * (1 - a), 1];
  const ancestors = (one) => { const found = []; for (let at = one; at instanceof Element; at = at.parentElement) found.push(at); return found; };

  // the colour behind an element; white where nothing is painted
  function ground(one) {
    const layers = [];
    for (const at of ancestors(one)) {
      const paint = rgba(getComputedStyle(at).backgroundColor);
      if (paint[3] > 0) layers.push(paint);
      if (paint[3] === 1) break;
    }
    return layers.reduceRight((below, paint) => over(paint, below), [1, 1, 1, 1]);
  }

  const light = ([r, g, b]) => [r, g, b].map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)).reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const called = (one) => `${one.tagName.toLowerCase()}${one.id ? `#${one.id}` : ""}${[...one.classList].map((name) => `.${name}`).join("")}`;
  const said = (one) => `${called(one)} “${(one.textContent || one.value || "").trim().replace(/\s+/g, " ").slice(0, 40)}”`;
  const seen = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true }) && one.getBoundingClientRect().width > 0;

  const leaves = [];
  const walker = document.createTreeWalker(document.body || document.documentElement, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const one = node.parentElement;
    if (!node.nodeValue.trim() || ["SCRIPT", "STYLE", "NOSCRIPT", "OPTION", "title", "style", "TEXTAREA"].includes(one.tagName) || !seen(one)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    leaves.push([one, [...range.getClientRects()].filter((box) => box.width > 0), node]);
  }
  const found = { wide: [], faint: [], cut: [], covered: [], small: [] };
  const add = (kind, text) => { if (!found[kind].includes(text) && found[kind].length < 12) found[kind].push(text); };

  // WCAG 2.2, 1.4.3: 4.5 to 1, and 3 to 1 for large words
  for (const [one] of leaves) {
    const style = getComputedStyle(one), drawn = one instanceof SVGElement;
    if (one.closest(":disabled, canvas, .overlay, figure svg") || style.paintOrder.startsWith("stroke")) continue;
    const below = ground(one), opacity = ancestors(one).reduce((sum, at) => sum * Number(getComputedStyle(at).opacity), 1);
    const paint = [...rgba(drawn ? style.fill : style.color)];
    paint[3] *= opacity;
    const [a, b] = [light(over(paint, below)), light(below)], contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.6 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) add("faint", `${said(one)} ${contrast.toFixed(2)}`);
  }

  for (const one of document.querySelectorAll("[placeholder]")) {
    const below = ground(one), [a, b] = [light(over(rgba(getComputedStyle(one, "::placeholder").color), below)), light(below)];
    if (seen(one) && (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) add("faint", `${called(one)} placeholder`);
    const style = getComputedStyle(one);
    pen.font = `${style.fontSize} ${style.fontFamily}`;
    if (seen(one) && one.tagName === "INPUT" && pen.measureText(one.placeholder).width > one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)) add("cut", `${called(one)} placeholder`);
  }

  // nothing is cut but what says so by dots, or what can be scrolled to
  for (const [one, boxes] of leaves) {
    if (one instanceof SVGElement) continue;
    for (const at of ancestors(one)) {
      const style = getComputedStyle(at), frame = at.getBoundingClientRect();
      if (/auto|scroll/.test(style.overflowX + style.overflowY) || style.textOverflow === "ellipsis" || at === document.body) break;
      if (!/hidden|clip/.test(style.overflowX) && !/hidden|clip/.test(style.overflowY)) continue;
      if (boxes.some((box) => box.right > frame.right + 1.5 || box.bottom > frame.bottom + 2.5 || box.left < frame.left - 1.5)) add("cut", `${said(one)} by ${called(at)}`);
      break;
    }
  }
  for (const one of document.querySelectorAll("select, button")) {
    if (seen(one) && one.tagName === "BUTTON" && one.scrollWidth > one.clientWidth + 1) add("cut", said(one));
  }

  const inside = (box, x, y) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;

  // words that others lie on; what is fixed or sticks may hide what is scrolled below it
  const above = (one) => ancestors(one).some((at) => ["sticky", "fixed"].includes(getComputedStyle(at).position) || at.tagName === "DIALOG");
  for (const [one, boxes] of leaves) {
    const box = boxes[0], [x, y] = box ? [box.left + box.width / 2, box.top + box.height / 2] : [-1, -1];
    const hidden = ancestors(one).some((at) => getComputedStyle(at).overflow !== "visible" && at !== document.body && !inside(at.getBoundingClientRect(), x, y)); // scrolled away
    if (hidden || x < 0 || y < 0 || x >= innerWidth || y >= innerHeight || document.querySelector("dialog[open]")?.contains(one) === false || getComputedStyle(one).pointerEvents === "none") continue;
    const top = document.elementFromPoint(x, y);
    if (top && !top.contains(one) && !one.contains(top) && !(above(top) && !above(one)) && !(one instanceof SVGElement)) add("covered", `${said(one)} by ${said(top)}`);
  }
  for (const drawing of document.querySelectorAll("svg:not(.overlay)")) {
    const words = [...drawing.querySelectorAll("text")].filter((one) => one.textContent.trim() && !one.closest("figure:has(img)")).map((one) => [one, one.getBoundingClientRect()]), frame = drawing.getBoundingClientRect();
    words.forEach(([one, box], number) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 2 || box.bottom > frame.bottom + 2) add("cut", `${said(one)} by the edge of its drawing`);
      for (const [other, its] of words.slice(number + 1)) {
        const [wide, high] = [Math.min(box.right, its.right) - Math.max(box.left, its.left), Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top)];
        if (wide > 2 && high > 3) add("covered", `${said(one)} by ${said(other)}`);
      }
    });
  }

  const page = document.scrollingElement;
  // not innerWidth: it grows with what is wider
  if (page && document.body && page.scrollWidth > width) add("wide", `${page.scrollWidth - width} pixels wider than ${width}`);
  if (phone) {
    for (const one of document.querySelectorAll("a[href], button, select, summary, textarea, input:not([type=hidden]), [role=button]")) {
      const place = one.matches("input") && one.closest("label") || one, box = place.getBoundingClientRect(), style = getComputedStyle(one);
      if (!seen(place) || one.disabled || (place === one && style.opacity === "0")) continue;
      const inline = one.matches("a[href]") && style.display === "inline"; // a link within a text: WCAG 2.2, 2.5.8
      if (!inline && (box.height < 31.5 || box.width < 31.5)) add("small", `${said(one)} ${Math.round(box.width)} × ${Math.round(box.height)}`);
    }
  }
  return { ...found, words: leaves.length, dark: light(ground(document.body || document.documentElement)) < 0.1 };
}
