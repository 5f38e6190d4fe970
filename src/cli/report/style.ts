/** The style sheet of the page: one column, system fonts, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfb; --card: #ffffff; --ink: #1c1e21; --muted: #5c6370; --line: #e3e4e8;
  --good: #146c43; --bad: #b02a37; --clip: #b02a3720;
  --c1: #2f6fd0; --c2: #d2691e; --c3: #17876b; --c4: #8250c4; --c5: #c22c63; --c6: #7a6a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --card: #1c1f23; --ink: #e8e9eb; --muted: #a0a7b4; --line: #33373e;
    --good: #5fd39b; --bad: #ff8a8f; --clip: #ff8a8f26;
    --c1: #78adff; --c2: #ffa95c; --c3: #53cfae; --c4: #c19bf5; --c5: #ff86b0; --c6: #d8c64a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 0.4rem; }
h2 { font-size: 1.25rem; line-height: 1.3; letter-spacing: -0.01em; margin: 3rem 0 0.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.25rem; }
p { margin: 0.5rem 0; max-width: 44rem; }
.lead { font-size: 1.1rem; color: var(--muted); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr)); gap: 0.9rem 1.5rem; margin: 1.75rem 0 0;
  padding: 1rem 0; border-block: 1px solid var(--line); }
.facts .wide { grid-column: span 2; }
dt { font-size: 0.8rem; color: var(--muted); }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.terms { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; font-size: 0.88rem; }
.terms dt { font-size: inherit; }
.verdict { border-left: 3px solid var(--good); padding-left: 0.9rem; }
.verdict.bad { border-color: var(--bad); }
.verdict strong { color: var(--good); }
.verdict.bad strong { color: var(--bad); }
/* as wide as the text, or as its table where the window lets it */
.scroll { overflow-x: auto; margin: 1rem 0; width: max-content; min-width: 100%; max-width: calc(100vw - 2.5rem);
  position: relative; left: 50%; transform: translateX(-50%); }
table { border-collapse: collapse; font-size: 0.92rem; width: 100%; }
caption { text-align: left; color: var(--muted); font-size: 0.88rem; padding: 0 0 0.5rem; }
th, td { padding: 0.35rem 0.75rem; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
.dense { font-size: 0.84rem; }
.dense th, .dense td { padding-inline: 0.45rem; }
summary { color: var(--muted); cursor: pointer; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th { white-space: normal; font-weight: 500; color: var(--muted); font-size: 0.85rem; vertical-align: bottom; }
.group th { padding-top: 1.1rem; font-weight: 650; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; }
figcaption { margin-top: 0.4rem; color: var(--muted); font-size: 0.88rem; max-width: 44rem; }
svg { display: block; max-width: 100%; height: auto; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem 2rem; }
.missing { color: var(--muted); font-style: italic; }
footer { margin-top: 3rem; color: var(--muted); font-size: 0.85rem; }
@media (max-width: 48rem) {
  main { padding: 1.5rem 1rem 3rem; }
  table { font-size: 0.8rem; }
  th, td { padding-inline: 0.4rem; }
}
@media print { body { background: none; } main { max-width: none; padding: 0; } figure, tr { break-inside: avoid; } }
`;
