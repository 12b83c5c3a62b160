/** Where stages and feeds write what an operator should read: details first, then a sentence, as pino takes them. */
export interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
