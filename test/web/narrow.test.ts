/** On a narrow screen the page needs no scrolling to the side, and cuts neither heads of columns nor prices. */
import t from 'tap';
import { StreamServer } from '../client/support.js';
import { Browser, figures, whyNot } from './support.js';

const LOADING_MS = 25_000;

for (const width of [400, 360, 320]) {
  t.test(`${width} px`, { skip: whyNot() }, async (t) => {
    const server = await StreamServer.start({ symbols: ['AUDUSD', 'EURUSD'], http: figures(500_000) });
    t.teardown(() => server.close());
    server.quote('AUDUSD', 0.65448, 0.65451);
    server.quote('EURUSD', 1.1, 1.10012);
    const browser = await Browser.start(`http://127.0.0.1:${server.port}/`, width, 800);
    t.teardown(() => browser.close());
    await browser.until(`document.querySelectorAll('td.price').length >= 4`, LOADING_MS);
    await browser.until(`/k/.test(document.getElementById('rate-sequenced').textContent)`, LOADING_MS);
    const beyond = `[...document.querySelectorAll('body *')]
      .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
      .map((e) => e.id || e.className || e.tagName)`;
    t.same(await browser.evaluate(beyond), [], 'nothing lies beyond the edge');
    const cut = `[...document.querySelectorAll('th, td, #filter, .queue')]
      .filter((e) => e.scrollWidth > e.clientWidth)
      .map((e) => e.textContent.trim())`;
    t.same(await browser.evaluate(cut), [], 'nothing is cut');
    const heads = `[...document.querySelectorAll('thead th')].filter((e) => e.offsetParent !== null)
      .map((e) => e.textContent)`;
    t.match(await browser.evaluate(heads), ['Symbol', 'Bid', 'Ask', 'Spread']);
    t.same(browser.failures, []);
  });
}
