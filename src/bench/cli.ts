/** `ticks bench`: the scenarios as commands, all of them small, and the comparison of two results. */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { comparison } from './e2e/report-part.js';
import { compareFiles, comparisonLines } from './harness/compare.js';
import { positive } from './harness/flags.js';
import { bars, reportOf, validity } from './harness/report-model.js';
import { runScenario, type Scenario, type ScenarioResult } from './harness/scenario.js';
import { soakSeries } from './pipeline/soak-report.js';
import { htmlOf } from './report/html.js';
import { SCENARIOS } from './scenarios.js';

export function register(program: Command): void {
  const bench = program
    .command('bench')
    .description('measure the engine on this machine; every figure is checked before it counts');
  for (const scenario of SCENARIOS) registerScenario(bench, scenario);
  registerQuick(bench);
  registerCompare(bench);
}

function registerScenario(bench: Command, scenario: Scenario): void {
  const { name, summary, diagram, example } = scenario;
  scenario
    .flags(bench.command(name))
    .description(summary)
    .option('--json', 'print one JSON object')
    .option('--report <file>', 'write a page with tables and charts')
    .addHelpText('after', `${diagram}\n\nExample:\n  ticks bench ${name} ${example}`)
    .action(async ({ json, report, ...options }: { json?: boolean; report?: string }) => {
      const { result, lines } = await runScenario(scenario, options, tell);
      if (report !== undefined) writeReport(report, [result]);
      process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n`);
      judge(result);
    });
}

/** A line of progress, for the person at the terminal. */
function tell(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${line}\n`);
}

/** Makes the exit code say whether a result holds. */
function judge({ scenario, valid, why }: ScenarioResult): void {
  if (valid) return;
  process.stderr.write(`The result of ${scenario} is not valid: ${why.join('; ')}.\n`);
  process.exitCode = 1;
}

/** The options of a scenario in its small size. */
export function smallOptions(scenario: Scenario): object {
  const defaults = scenario.flags(new Command()).opts();
  return { ...defaults, ...scenario.small };
}

function registerQuick(bench: Command): void {
  bench
    .command('quick')
    .description('every scenario in its small size, one after the other')
    .option('--out <file>', 'write the results there too, for compare')
    .option('--json', 'print one JSON array')
    .option('--report <file>', 'write a page with tables and charts')
    .addHelpText('after', '\nExample:\n  ticks bench quick --out before.json')
    .action(async ({ json, out, report }: { json?: boolean; out?: string; report?: string }) => {
      const results: ScenarioResult[] = [];
      for (const scenario of SCENARIOS) {
        const { result, lines } = await runScenario(scenario, smallOptions(scenario), tell);
        results.push(result);
        if (json !== true) process.stdout.write(`${lines.join('\n')}\n`);
        judge(result);
      }
      if (json === true) process.stdout.write(`${JSON.stringify(results)}\n`);
      if (out !== undefined) writeFileSync(out, JSON.stringify(results));
      if (report !== undefined) writeReport(report, results);
    });
}

function writeReport(file: string, results: readonly ScenarioResult[]): void {
  writeFileSync(file, htmlOf(reportOf(results, new Date(), [comparison, validity, bars, soakSeries])));
}

function registerCompare(bench: Command): void {
  bench
    .command('compare <before> <after>')
    .description('differences between two results of --json, with confidence')
    .option('--tolerance <percent>', 'how much worse a figure may get', positive, 5)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit code 1 when a figure is worse by more than the tolerance, and the runs of the two hardly overlap (p below
0.05), or when a result is not valid. With two or three runs on each side, a figure counts as worse when every run
after is worse than every run before by that much. With one run nothing counts as worse.

A file may have several results of one scenario, one a line: they are then the runs of it.

Example:
  ticks bench compare before.json after.json`,
    )
    .action((before: string, after: string, { tolerance, json }: { tolerance: number; json?: boolean }) => {
      const comparison = compareFiles(before, after, tolerance / 100);
      process.stdout.write(
        json === true ? `${JSON.stringify(comparison)}\n` : `${comparisonLines(comparison).join('\n')}\n`,
      );
      if (comparison.worse.length > 0 || comparison.notes.length > 0) process.exitCode = 1;
    });
}
