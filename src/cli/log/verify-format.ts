/** How `ticks log verify` reports what it found. */
import type { Moment } from '../../log/repair/survey.js';
import type { Damage, DamageReason, Verified } from '../../log/repair/verify.js';
import { timeText } from '../../wire/json.js';

const REASONS: Record<DamageReason, string> = {
  checksum: 'its checksum does not hold',
  undecodable: 'its ticks cannot be decoded',
  misplaced: 'it stands under the key of another block',
  missing: 'there is no block',
  overlap: 'it tells seqs that a block before it has told',
  symbol_seq: 'a symbolSeq does not follow the one before',
  unknown_symbol: 'it has ticks of a symbol that the registry does not know',
  segment: 'the segment cannot be read',
};

function timeJson(time: Moment | undefined): string | null {
  return time === undefined ? null : timeText(time[0], time[1]);
}

/** `after` and `before`: UNIX nanoseconds as decimal text, receipt of the ticks around the damage. */
export function verifyJson({ damages, isWhole, ...rest }: Verified): object {
  return {
    ok: isWhole && damages.length === 0 && rest.catalog.length === 0,
    complete: isWhole,
    ...rest,
    damages: damages.map(({ after, before, ...damage }) => ({
      ...damage,
      after: timeJson(after),
      before: timeJson(before),
    })),
  };
}

function when(time: Moment | undefined, open: string): string {
  return time === undefined ? open : new Date(time[0] * 1000 + time[1] / 1e6).toISOString();
}

function damageLine({ segment, epoch, shard, first, last, reason, after, before }: Damage): string {
  const where = segment === '' ? '' : `Segment ${segment}, `;
  return (
    `${where}epoch ${epoch}, shard ${shard}, seqs ${first} to ${last}: ${REASONS[reason]}; ` +
    `between ${when(after, 'the beginning')} and ${when(before, 'the end')}.`
  );
}

export function verifyLines(result: Verified): string[] {
  const { segments, blocks, ticks, shed, removed, damages, catalog, isWhole } = result;
  const lines = [...catalog, ...damages.map(damageLine)];
  if (!isWhole) lines.push('Stopped before the end: what follows tells of a part only.');
  lines.push(`${ticks} ticks in ${blocks} blocks of ${segments} segments were read.`);
  if (shed > 0) lines.push(`${shed} ticks were left out while the log could not write.`);
  if (removed > 0) lines.push(`${removed} ticks were removed by retention.`);
  const lost = damages.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (damages.length > 0) lines.push(`${damages.length} places are damaged, with ${lost} ticks.`);
  else if (catalog.length === 0 && isWhole) lines.push('Nothing is damaged.');
  return lines;
}
