import type { FeedAge } from './feeds.js';
import type { PipelineSample } from './strip.js';

/** What the page needs of `GET /v1/pipeline`. */
interface PipelineAnswer {
  totals: { received: number; sequenced: number; logged: number };
  feeds: { rawDepth: number[]; rawSlots: number }[];
  shards: { visible: number | null; ringSlots: number }[];
}

export interface PipelineState {
  sample: PipelineSample;
  feeds: FeedAge[];
  ready: boolean;
  /** Why not. */
  reasons: string[];
}

async function answer<T>(path: string, headers: Record<string, string>): Promise<T> {
  const response = await fetch(path, { cache: 'no-store', headers, signal: AbortSignal.timeout(3000) });
  // Readiness answers 503 with the same fields when it is lacking.
  if (!response.ok && response.status !== 503) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** The state of the engine behind this page, or undefined while it does not answer. */
export async function readPipeline(token: string | undefined): Promise<PipelineState | undefined> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    const [pipeline, readiness, { feeds }] = await Promise.all([
      answer<PipelineAnswer>('/v1/pipeline', headers),
      answer<{ ready: boolean; reasons: string[] }>('/readyz', headers),
      answer<{ feeds: { name: string; state: string; ageMs: number | null }[] }>('/v1/feeds', headers),
    ]);
    const { totals, shards } = pipeline;
    return {
      sample: {
        at: performance.now(),
        received: totals.received,
        sequenced: totals.sequenced,
        logged: shards.some(({ visible }) => visible === null) ? null : totals.logged,
        rawDepth: sum(pipeline.feeds.flatMap(({ rawDepth }) => rawDepth)),
        rawSlots: Math.max(
          1,
          sum(pipeline.feeds.map(({ rawDepth, rawSlots }) => rawDepth.length * rawSlots)),
        ),
        ringSlots: Math.max(1, sum(shards.map(({ ringSlots }) => ringSlots))),
      },
      feeds: feeds.map(({ name, state, ageMs }) => ({ feed: name, state, ageMs })),
      ready: readiness.ready,
      reasons: readiness.reasons,
    };
  } catch {
    return undefined;
  }
}
