import { fileURLToPath } from 'node:url';
import t from 'tap';
import { serve } from '../helpers/fanout.js';
import { Browser, whyNot } from './support.js';

const SYMBOLS = 600;
const PUBLIC = fileURLToPath(new URL('../../src/web/public/', import.meta.url));

t.test(
  '600 symbols from the fan-out itself: all counted, few in the document',
  { skip: whyNot() },
  async (t) => {
    const served = await serve({ webRoot: PUBLIC, plan: { maxSymbols: 1024 } });
    t.teardown(() => served.close());
    const { shard } = served;
    const names = Array.from({ length: SYMBOLS }, (_, i) => `SYM${String(i).padStart(3, '0')}`);
    const ids = names.map((name) => shard.define(name, 2));
    let round = 0;
    const tick = () => {
      round++;
      for (const id of ids) shard.quote(id, 100 + round / 100, 100.5 + round / 100);
      shard.commit();
    };
    tick();
    const browser = await Browser.start(`http://127.0.0.1:${served.port}/`);
    t.teardown(() => browser.close());
    await browser.until(`document.getElementById('count').textContent === '${SYMBOLS} symbols'`);
    const market = setInterval(tick, 20);
    t.teardown(() => clearInterval(market));
    const first = `document.querySelector('tbody tr:not(.spacer)')`;
    await browser.until(`${first}?.cells[1].textContent`);
    t.equal(await browser.evaluate(`${first}.cells[0].textContent`), 'SYM000');
    const rows = await browser.evaluate<number>(`document.querySelectorAll('tbody tr').length`);
    t.ok(rows < 80, `${rows} rows are in the document`);

    await browser.evaluate('scrollTo(0, document.body.scrollHeight)');
    await browser.until(`[...document.querySelectorAll('tbody th')].at(-1).textContent === 'SYM599'`);
    t.pass('scrolling brings the others');
    await browser.evaluate('scrollTo(0, 0)');

    await browser.evaluate(`(() => {
    const filter = document.getElementById('filter');
    filter.value = '59';
    filter.dispatchEvent(new Event('input'));
  })()`);
    await browser.until(`document.getElementById('count').textContent === '16 of ${SYMBOLS} symbols'`);
    await browser.evaluate(`document.querySelector('button[data-sort=symbol]').click()`);
    await browser.until(`${first}.cells[0].textContent === 'SYM599'`);
    t.equal(await browser.evaluate(`document.querySelector('th.symbol').ariaSort`), 'descending');
    await browser.until(`/\\d/.test(document.getElementById('rate-delivered').textContent)`);
    t.equal(await browser.evaluate(`document.getElementById('ready').textContent`), 'not ready');
    t.equal(await browser.evaluate(`document.getElementById('ready').title`), 'for the test');
    t.same(browser.failures, []);
  },
);
