/** Settings that say who may connect. */
import { z } from 'zod';
import { setting } from '../../core/setting.js';

const TOKEN_LENGTH_MIN = 16;
const NAME_LENGTH_MAX = 64;

// Every fault has a message of its own: the messages of zod would show the token.
const authKey = z
  .strictObject(
    {
      /** Whose key it is: connections count under it. */
      name: z.string().min(1).max(NAME_LENGTH_MAX),
      token: z
        .string('must be text')
        .min(TOKEN_LENGTH_MIN, `must have at least ${TOKEN_LENGTH_MIN} characters`)
        .regex(/^[\w.~+/=-]*$/, 'must consist of letters, digits and . _ ~ + / = - (what a header carries)')
        .optional(),
      tokenSha256: z
        .string('must be text')
        .regex(/^[0-9a-f]{64}$/i, 'must be the SHA-256 of the token in 64 hex digits')
        .optional(),
      /** Connections of this key at once; absent: no limit of its own. */
      connections: z.int().min(1).optional(),
    },
    { error: ({ code }) => (code === 'invalid_type' ? 'must be an object {name, token}' : undefined) },
  )
  .refine(
    (key) => (key.token === undefined) !== (key.tokenSha256 === undefined),
    'must have either token or tokenSha256',
  );
export const authSchema = z.strictObject(
  {
    keys: z
      .array(authKey, 'must be a list of {name, token}')
      .min(1, 'must have a key; without auth altogether the server is open')
      .refine((keys) => new Set(keys.map((key) => key.name)).size === keys.length, 'has a name twice')
      .meta(
        setting(
          'Keys of those who may connect: `{name, token}` or `{name, tokenSha256}`. `connections` in a key bounds its connections. The section on tokens says more.',
          { values: 'a list of keys', standard: 'none: open to anyone' },
        ),
      ),
  },
  // The value may be a token in the wrong position.
  { error: ({ code }) => (code === 'invalid_type' ? 'must be an object {keys}' : undefined) },
);
