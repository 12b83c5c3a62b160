/** The charts of scenario `soak`. */
import type { LineChart, Part } from '../harness/report-model.js';
import type { ScenarioResult } from '../harness/scenario.js';
import type { SoakSample } from './soak.js';

/** Memory over the time of a soak. */
export const soakSeries: Part = (results) => ({
  charts: results
    .filter((result): result is ScenarioResult & { samples: SoakSample[] } => 'samples' in result)
    .map(
      ({ scenario, samples }): LineChart => ({
        kind: 'lines',
        title: `${scenario}: memory over time`,
        note: 'Anonymous memory is what the process itself holds; the rest is files and shared memory.',
        x: { label: 'seconds', scale: 'linear' },
        y: { label: 'MB', scale: 'linear' },
        series: [
          { label: 'RssAnon', points: samples.map((s) => [s.seconds, s.rssAnon / 1e6]) },
          { label: 'RSS', points: samples.map((s) => [s.seconds, s.rss / 1e6]) },
        ],
      }),
    ),
});
