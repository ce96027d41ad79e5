/** Colours follow the reader's system. */
export const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem}
h1 small{font-size:.5em;opacity:.7}
nav{position:sticky;top:0;background:Canvas;padding:.5rem 0;border-bottom:1px solid var(--line)}
nav a{margin-right:.8rem}
details{border:1px solid var(--line);border-radius:4px;margin:.4rem 0;padding:.3rem .7rem}
summary{cursor:pointer}
summary span{opacity:.75}
.operation>summary b{display:inline-block;min-width:4.5em}
.get{color:#0a7}.post{color:#28c}.patch{color:#b70}.delete{color:#c33}.to-you{color:#85c}
code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:var(--soft);padding:.6rem;overflow:auto;border-radius:4px}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top}
`;
