/** A gradient between two colours that stand a third of the circle apart, as an SVG. */
export function gradient(random: () => number): string {
  const hue = Math.floor(random() * 360);
  const [from, to] = [hue, (hue + 120) % 360].map((each) => `hsl(${each}, 55%, 35%)`);
  const angle = Math.floor(random() * 360);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1920 1080" preserveAspectRatio="none"><defs><linearGradient id="g" gradientTransform="rotate(${angle} 0.5 0.5)"><stop offset="0" stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient></defs><rect width="1920" height="1080" fill="url(#g)"/></svg>\n`;
}
