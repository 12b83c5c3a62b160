import { scaled, short } from './format.js';

/** Totals and depths at one moment, whatever encoding they came in. */
export interface PipelineSample {
  /** Local time, milliseconds. */
  at: number;
  received: number;
  sequenced: number;
  /** Null without a log. */
  logged: number | null;
  /** Records waiting in the raw rings, and the slots that there are. */
  rawDepth: number;
  rawSlots: number;
  /** Slots of the broadcast rings: the bound of what may be not yet logged. */
  ringSlots: number;
}

/** How full a queue may be before its bar changes colour. */
const HIGH = 0.5;
const FULL = 0.9;

function element(id: string): HTMLElement {
  return document.getElementById(id)!;
}

/** The four stages: rates from the difference of two samples, and the queues between them. */
export class PipelineStrip {
  #last: PipelineSample | undefined;

  show(sample: PipelineSample): void {
    const last = this.#last;
    this.#last = sample;
    const unlogged = sample.logged === null ? null : Math.max(0, sample.sequenced - sample.logged);
    this.#bar('queue-raw', sample.rawDepth / sample.rawSlots);
    element('queue-raw-text').textContent = short(sample.rawDepth);
    this.#bar('queue-log', (unlogged ?? 0) / sample.ringSlots);
    element('queue-log-text').textContent = unlogged === null ? 'no log' : short(unlogged);
    if (last === undefined) return;
    const seconds = (sample.at - last.at) / 1000;
    // A server that was started again counts from 0 again.
    if (seconds <= 0 || sample.received < last.received) return;
    this.#rate('rate-received', (sample.received - last.received) / seconds);
    this.#rate('rate-sequenced', (sample.sequenced - last.sequenced) / seconds);
    if (sample.logged === null || last.logged === null) {
      element('rate-logged').textContent = '–';
      element('log-behind-text').textContent = 'no log';
      return;
    }
    const logRate = Math.max(0, sample.logged - last.logged) / seconds;
    this.#rate('rate-logged', logRate);
    const behindMs = logRate === 0 ? 0 : ((unlogged ?? 0) / logRate) * 1000;
    element('log-behind-text').textContent = unlogged === 0 ? '0 ms' : `${behindMs.toFixed(0)} ms`;
  }

  /** Ticks that reached this page and ticks that were conflated, both per second. */
  delivered(perSecond: number, conflatedPerSecond: number): void {
    this.#rate('rate-delivered', perSecond);
    element('conflated-text').textContent = `${short(conflatedPerSecond)}/s`;
  }

  /** Nothing is known any more: the server does not answer. */
  clear(): void {
    this.#last = undefined;
    for (const id of ['rate-received', 'rate-sequenced', 'rate-logged', 'queue-raw-text', 'queue-log-text']) {
      element(id).textContent = '–';
    }
    element('log-behind-text').textContent = '–';
    this.#bar('queue-raw', 0);
    this.#bar('queue-log', 0);
  }

  #rate(id: string, perSecond: number): void {
    const [figure, unit] = scaled(perSecond);
    const small = document.createElement('small');
    small.textContent = `${unit}/s`;
    element(id).replaceChildren(figure, small);
  }

  #bar(id: string, share: number): void {
    const bar = element(id);
    const filled = Math.min(1, share);
    (bar.firstElementChild as HTMLElement).style.transform = `scaleX(${filled.toFixed(4)})`;
    bar.dataset.level = filled >= FULL ? 'full' : filled >= HIGH ? 'high' : 'low';
  }
}
