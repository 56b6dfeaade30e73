// The style sheet of reports. The series' colours are after Okabe and Ito, who chose them so that
// all kinds of colour vision tell them apart, and adjusted to each background; the second four
// lines are dashed as well.
#pragma once

namespace phoenix::bench {

inline constexpr const char* kStyle = R"css(
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1a2028; --muted: #5c6875; --rule: #e3e7ec; --panel: #f6f8fa;
  --good: #00724f; --bad: #b3261e; --bad-panel: #fdf1ef;
  --c0: #0068b0; --c1: #d55e00; --c2: #00916a; --c3: #b0479a;
  --c4: #3f9fd8; --c5: #c79000; --c6: #5b5f66; --c7: #8a5a2b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #11151a; --ink: #e5e9ee; --muted: #98a3b0; --rule: #2a313a; --panel: #191f26;
    --good: #4cc79c; --bad: #ff8a7d; --bad-panel: #2a1b1b;
    --c0: #56b4f0; --c1: #f08a45; --c2: #35c79c; --c3: #e08cc8;
    --c4: #9bd0f5; --c5: #e6b93c; --c6: #b3bac4; --c7: #c99a6b;
  }
}
.s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); }
.s4 { --c: var(--c4); } .s5 { --c: var(--c5); } .s6 { --c: var(--c6); } .s7 { --c: var(--c7); }
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans",
    Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
  overflow-wrap: anywhere;
}
main { max-width: 984px; margin: 0 auto; padding: 48px 32px 32px; }
h1 { font-size: 28px; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; margin: 0; }
h2 { font-size: 19px; line-height: 1.3; font-weight: 650; margin: 0 0 16px; }
header p { color: var(--muted); margin: 8px 0 0; white-space: pre-line; }
section { margin-top: 48px; }
footer {
  margin-top: 56px; padding-top: 16px; border-top: 1px solid var(--rule);
  color: var(--muted); font-size: 13px;
}
dl, dd, dt, figure, ul { margin: 0; padding: 0; }
ul { list-style: none; }
.headlines {
  display: flex; flex-wrap: wrap; gap: 1px; margin-top: 32px; background: var(--rule);
  border: 1px solid var(--rule); border-radius: 10px; overflow: hidden;
}
.headlines div { flex: 1 1 160px; background: var(--paper); padding: 16px 18px; }
.headlines dt { color: var(--muted); font-size: 13px; }
.headlines dd {
  font-size: 25px; line-height: 1.35; font-weight: 600; letter-spacing: -.01em;
  white-space: nowrap;
}
.headlines small {
  display: block; color: var(--muted); font-size: 13px; font-weight: 400; letter-spacing: 0;
  white-space: normal;
}
.headlines .good dd { color: var(--good); }
.headlines .bad dd { color: var(--bad); }
.warnings {
  margin-top: 20px; padding: 12px 20px; border-radius: 10px;
  background: var(--bad-panel); border-left: 4px solid var(--bad); font-size: 15px;
}
.warnings li + li { margin-top: 8px; }
figure + figure { margin-top: 36px; }
figcaption { font-weight: 600; font-size: 15px; margin-bottom: 6px; }
.note { color: var(--muted); font-size: 13px; margin: 8px 0 0; max-width: 75ch; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 20px; margin-bottom: 10px; font-size: 14px; }
.legend i {
  display: inline-block; width: 18px; margin-right: 7px; vertical-align: middle;
  border-top: 3px solid var(--c);
}
.legend .s4, .legend .s5, .legend .s6, .legend .s7 { border-top-style: dashed; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg.narrow { display: none; }
svg text { font-size: 13px; fill: var(--ink); }
svg .muted { fill: var(--muted); }
svg .heading, svg .marked, svg .figure { font-weight: 600; }
svg line { stroke: var(--rule); stroke-width: 1; }
svg .axis { stroke: var(--muted); }
svg .mark { stroke: var(--ink); stroke-dasharray: 3 4; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
svg .curve {
  fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round;
}
svg .s4.curve, svg .s5.curve, svg .s6.curve, svg .s7.curve { stroke-dasharray: 7 5; }
svg .dot { fill: var(--c); stroke: var(--paper); stroke-width: 1.5; }
svg .bar { fill: var(--c); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td {
  padding: 7px 0 7px 20px; text-align: right; white-space: nowrap; overflow-wrap: normal;
  border-bottom: 1px solid var(--rule);
}
th:first-child, td:first-child { padding-left: 0; }
th { color: var(--muted); font-weight: 500; vertical-align: bottom; }
.text { text-align: left; }
td.text { max-width: 360px; overflow: hidden; text-overflow: ellipsis; }
figure + .scroll, .scroll + figure, p + .scroll { margin-top: 24px; }
.facts { columns: 2; column-gap: 48px; font-size: 14px; }
.facts div {
  display: flex; justify-content: space-between; gap: 24px; padding: 7px 0;
  border-bottom: 1px solid var(--rule); break-inside: avoid;
}
.facts dt { color: var(--muted); white-space: nowrap; }
.facts dd { text-align: right; }
pre {
  margin: 0 0 20px; padding: 14px 18px; border-radius: 10px; background: var(--panel);
  border: 1px solid var(--rule);
  font: 13.5px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (max-width: 719px) {
  main { padding: 28px 16px 24px; }
  h1 { font-size: 23px; }
  section { margin-top: 40px; }
  .headlines div { flex-basis: 40%; padding: 12px 14px; }
  .headlines dd { font-size: 21px; }
  .facts { columns: 1; }
  td.text { max-width: 150px; }
  svg.wide { display: none; }
  svg.narrow { display: block; max-width: 560px; margin: 0 auto; }
}
@media print {
  main { max-width: none; padding: 0; }
  figure, .headlines { break-inside: avoid; }
}
)css";

}  // namespace phoenix::bench
