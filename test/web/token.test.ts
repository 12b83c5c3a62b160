import { fileURLToPath } from 'node:url';
import t from 'tap';
import { pageToken } from '../../src/web/token.js';
import { serve } from '../helpers/fanout.js';
import { Browser, whyNot } from './support.js';

const PUBLIC = fileURLToPath(new URL('../../src/web/public/', import.meta.url));
const TOKEN = 'a+token/of=sixteen~letters';

t.test('the token stands behind #', async (t) => {
  t.same(
    ['', '#', '#a=b', '#token=x+y', '#a=b&token=x%2By', '#nottoken=x', '#token=5%'].map((hash) =>
      pageToken(hash),
    ),
    [undefined, undefined, undefined, 'x+y', 'x+y', undefined, '5%'],
  );
});

t.test('the page of a server that wants a token', { skip: whyNot() }, async (t) => {
  const auth = { keys: [{ name: 'desk', token: TOKEN }] };
  const served = await serve({ webRoot: PUBLIC, auth });
  t.teardown(() => served.close());
  const { shard } = served;
  shard.quote(shard.define('EURUSD'), 1.1, 1.2);
  shard.commit();
  const url = `http://127.0.0.1:${served.port}/`;
  const browser = await Browser.start(url);
  t.teardown(() => browser.close());
  const text = (id: string) => `document.getElementById('${id}').textContent`;
  await browser.until(`${text('connection')}.includes('#token=')`);
  t.equal(await browser.evaluate(text('ready')), '–', 'it says nothing of an engine that it may not ask');
  await browser.evaluate(`void (location.hash = 'token=wrong')`);
  await browser.until(`${text('connection')} === 'the token is wrong'`);
  await browser.evaluate(`void (location.hash = 'token=${TOKEN}')`);
  await browser.until(`${text('connection')} === 'connected'`);
  await browser.until(`document.querySelector('tbody th')?.textContent === 'EURUSD'`);
  await browser.until(`${text('ready')} === 'not ready'`);
  await browser.until(`document.querySelector('#feeds li')?.textContent.includes('last tick')`);
  t.same(browser.failures, []);
});
