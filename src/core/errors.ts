/**
 * Coded errors: set-up and operator faults. `code` is a stable lower_snake word; the message says what to do.
 * The hot path returns counts and named results instead.
 */
export const ERROR_CODES = [
  'bad_config',
  'bad_input',
  'data_folder_unusable',
  'data_folder_locked',
  'port_taken',
  'registry_full',
  'limit_exceeded',
  'log_corrupt',
  'log_missing',
  'stage_failed',
  'bad_framing',
  'connection_refused',
  'unsupported',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export class TickwireError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TickwireError';
    this.code = code;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system or coded error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
