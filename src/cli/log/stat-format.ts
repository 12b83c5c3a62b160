/** How `ticks log stat` reports what it found. */

import { activityOf, type LogSurvey, type Moment, type TickCounts } from '../../log/repair/survey.js';
import { isGone } from '../../log/storage/imports.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import { nameOf } from '../../replay/symbols.js';
import { timeText } from '../../wire/json.js';

const PARTS = 60;
/** Eighths of a line's height. */
const BARS = ' ▁▂▃▄▅▆▇█';

/** ISO 8601 to the second; a dash where there is none. */
function when(time: Moment | undefined): string {
  return time === undefined ? '-' : new Date(time[0] * 1000).toISOString().replace('.000Z', 'Z');
}

export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

function perTick({ blockBytes, ticks }: TickCounts): number | null {
  return ticks === 0 ? null : Number((blockBytes / ticks).toFixed(3));
}

function topSymbols(survey: LogSurvey, registry: Registry, top: number): { symbol: string; ticks: number }[] {
  return survey.bySymbol
    .map((ticks, id) => ({ symbol: nameOf(registry, id), ticks }))
    .filter(({ ticks }) => ticks > 0)
    .sort((a, b) => b.ticks - a.ticks)
    .slice(0, top);
}

function extentJson(extent: TickCounts): object {
  const { ticks, blocks, blockBytes, from, to } = extent;
  const time = (at: Moment | undefined) => (at === undefined ? null : timeText(at[0], at[1]));
  return { ticks, blocks, blockBytes, bytesPerTick: perTick(extent), from: time(from), to: time(to) };
}

/** Times are UNIX nanoseconds as decimal text; `startsAt` and the like UNIX milliseconds. */
export function statJson(survey: LogSurvey, registry: Registry, top: number): object {
  const { segments, epochs } = survey;
  return {
    logId: survey.logId,
    ...extentJson(survey),
    fileBytes: segments.reduce((sum, s) => sum + s.fileBytes, 0),
    shed: survey.shed,
    unreadableBlocks: survey.unreadable,
    symbols: survey.bySymbol.filter((ticks) => ticks > 0).length,
    top: topSymbols(survey, registry, top),
    activity: activityOf(survey.blockSpans, PARTS),
    segments: segments.map(({ record, fileBytes, ...extent }) => ({
      number: record.number,
      folder: record.folder,
      startsAt: record.startsAt,
      closedAt: record.closedAt ?? null,
      ...extentJson(extent as TickCounts),
      fileBytes,
      fileBytesBefore: record.bytesBefore ?? null,
      compression: record.compression ?? null,
    })),
    epochs: epochs.map(({ record, ...extent }) => ({
      epoch: record.epoch,
      startedAt: record.startedAt,
      import: record.import ?? null,
      shards: record.shards,
      last: record.last ?? null,
      ...extentJson(extent as TickCounts),
    })),
  };
}

function table(header: string[], rows: string[][]): string[] {
  const widths = header.map((cell, c) => Math.max(cell.length, ...rows.map((row) => row[c].length)));
  const line = (row: string[]) =>
    `  ${row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  ')}`.trimEnd();
  return [line(header), ...rows.map(line)];
}

function extentCells(extent: TickCounts): string[] {
  return [String(extent.ticks), String(perTick(extent) ?? '-'), when(extent.from), when(extent.to)];
}

const EXTENT_HEADER = ['ticks', 'bytes/tick', 'from', 'to'];

export function statLines(survey: LogSurvey, registry: Registry, top: number): string[] {
  const { segments, epochs } = survey;
  const fileBytes = segments.reduce((sum, s) => sum + s.fileBytes, 0);
  const live = epochs.filter(({ record }) => record.import === undefined);
  const imports = epochs.filter(({ record }) => record.import !== undefined && !isGone(record));
  const lines = [
    `Log ${survey.logId}: ${survey.ticks} ticks in ${segments.length} segments, ${sizeText(fileBytes)}; ` +
      `${perTick(survey) ?? '-'} bytes a tick.`,
    `From ${when(survey.from)} to ${when(survey.to)}, by time of receipt.`,
  ];
  if (survey.shed > 0) lines.push(`${survey.shed} ticks were left out while the log could not write.`);
  if (survey.unreadable > 0) {
    lines.push(`${survey.unreadable} blocks cannot be read: "ticks log verify" says which.`);
  }
  lines.push('', ...activityLines(survey));
  lines.push(
    '',
    'Segments',
    ...table(
      ['folder', 'state', 'file', 'before', ...EXTENT_HEADER],
      segments.map((s) => [
        s.record.folder,
        s.record.closedAt === undefined ? 'open' : 'closed',
        sizeText(s.fileBytes),
        s.record.bytesBefore === undefined ? '-' : sizeText(s.record.bytesBefore),
        ...extentCells(s),
      ]),
    ),
    '',
    'Epochs',
    ...table(
      ['epoch', 'shards', 'state', ...EXTENT_HEADER],
      live.map((e) => [
        String(e.record.epoch),
        String(e.record.shards),
        e.record.last === undefined ? 'open' : 'over',
        ...extentCells(e),
      ]),
    ),
  );
  if (imports.length > 0) {
    const rows = imports.map((e) => [(e.record.import ?? '').slice(0, 12), ...extentCells(e)]);
    lines.push('', 'Imports', ...table(['content', ...EXTENT_HEADER], rows));
  }
  const best = topSymbols(survey, registry, top);
  if (best.length > 0) {
    const all = survey.bySymbol.filter((ticks) => ticks > 0).length;
    const rows = best.map(({ symbol, ticks }) => [symbol, String(ticks)]);
    lines.push('', `Symbols (${best.length} of ${all})`, ...table(['symbol', 'ticks'], rows));
  }
  return lines;
}

function activityLines(survey: LogSurvey): string[] {
  const { ticks, fromS, toS } = activityOf(survey.blockSpans, PARTS);
  const most = Math.max(...ticks);
  if (most === 0) return ['No ticks.'];
  // Whatever ticked at all is seen.
  const bars = ticks.map((n) => BARS[n === 0 ? 0 : Math.max(1, Math.round((n / most) * 8))]);
  const perBar = (toS - fromS) / PARTS;
  return [`Activity, ${durationText(perBar)} a bar`, `  ${bars.join('')}`];
}

function durationText(seconds: number): string {
  if (seconds < 120) return `${Number(seconds.toPrecision(3))} s`;
  if (seconds < 7_200) return `${Number((seconds / 60).toPrecision(3))} min`;
  if (seconds < 172_800) return `${Number((seconds / 3_600).toPrecision(3))} h`;
  return `${Number((seconds / 86_400).toPrecision(3))} days`;
}
