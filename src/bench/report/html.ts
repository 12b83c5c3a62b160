/** The report as one page that needs nothing but itself. */
import { readFileSync } from 'node:fs';
import type { Report, Table } from '../harness/report-model.js';

/** Made by the build: see bundle.ts. */
const SCRIPT = new URL('public/page.js', import.meta.url);
const STYLE = new URL('public/style.css', import.meta.url);

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function text(raw: string): string {
  return raw.replace(/[&<>"]/g, (c) => ESCAPES[c]);
}

export function htmlOf(report: Report): string {
  const { title, madeAt, tables, charts, settings } = report;
  // The first table is the summary; the others are long, and charts below them would not be found.
  const [summary, ...others] = tables.map(tableOf);
  // A script element ends at the first "</script", whatever the JSON around it means.
  const data = JSON.stringify(report).replaceAll('<', '\\u003c');
  const script = readFileSync(SCRIPT, 'utf8').replaceAll('</script', '<\\/script');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<style>${readFileSync(STYLE, 'utf8')}</style>
</head>
<body>
<h1>${text(title)}</h1>
<p>Made at ${text(madeAt)}.</p>
${summary ?? ''}
${charts.map(({ title, note }, i) => `<section><h2>${text(title)}</h2><p>${text(note)}</p><div id="chart-${i}"></div></section>`).join('\n')}
${others.join('\n')}
<section><h2>Settings and machine</h2>
${settings.map(({ scenario, ...rest }) => `<details><summary>${text(scenario)}</summary><pre>${text(JSON.stringify(rest, null, 2))}</pre></details>`).join('\n')}
</section>
<script type="application/json" id="report">${data}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}

function tableOf({ title, note, head, rows }: Table): string {
  const cells = (tag: string, row: string[]) => row.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join('');
  return `<section><h2>${text(title)}</h2><p>${text(note)}</p><div class="wide"><table>
<thead><tr>${cells('th', head)}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('')}</tbody>
</table></div></section>`;
}
