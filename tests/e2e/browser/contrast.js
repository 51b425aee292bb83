// Every text of the page that can be seen, with the contrast that it has on what is behind it [WCAG 2.2, 1.4.3]; those below
// what level AA wants are returned.
const parse = (text) => {
  const part = text.match(/-?[\d.]+/g);
  if (!part) return null;
  const [r, g, b, a = 1] = part.map(Number);
  return { r, g, b, a };
};
const over = (top, under) => ({
  r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1,
});
const light = ({ r, g, b }) => {
  const part = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const ratio = (a, b) => {
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};
const ground = (element) => {
  const stack = [];
  for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    if (colour && colour.a > 0) stack.push(colour);
    if (colour && colour.a === 1) break;
  }
  return stack.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
};
const poor = [];
let seen = 0;
const look = (element, text, colour, behind) => {
  const style = getComputedStyle(element);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const got = ratio(over(colour, behind), behind);
  seen += 1;
  if (got < (large ? 3 : 4.5)) poor.push(`${got.toFixed(2)}: ${text.trim().slice(0, 40)} <${element.tagName} ${element.getAttribute('class')}>`);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, element = node.parentElement;
  if (!node.data.trim() || element.closest('noscript, script, style, title, desc, option, button:disabled')) continue;
  const style = getComputedStyle(element);
  if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || !element.getClientRects().length) continue;
  if (!element.ownerSVGElement) { look(element, node.data, parse(style.color), ground(element)); continue; }
  // In a picture: on the shape that lies behind it, if one does, else on the page.
  element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  const box = element.getBoundingClientRect();
  const under = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const at = under.indexOf(element);
  const shape = under.slice(at + 1).find((e) => e.ownerSVGElement && !e.matches('svg, g, text, tspan, a') && parse(getComputedStyle(e).fill)?.a === 1 && !getComputedStyle(e).fill.startsWith('url'));
  if (at < 0) continue;
  look(element, node.data, parse(style.fill), shape ? parse(getComputedStyle(shape).fill) : ground(element.ownerSVGElement));
}
return { seen, poor };
