/** The Python client reads every golden vector as it is meant, and writes the requests. */
import t from 'tap';
import { CLIENTS, FIXTURES, noPython, python } from './support.js';

t.test('golden vectors', { skip: noPython }, async (t) => {
  const { code, stdout, stderr } = await python(t, [`${CLIENTS}/check_vectors.py`, FIXTURES]).ended;
  t.equal(code, 0, stdout + stderr);
  const { checked, wrong } = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, number>;
  t.ok(checked > 150, `${checked} checked`);
  t.equal(wrong, 0);
});
