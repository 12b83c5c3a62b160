/** Channels of Redis, one a topic. */

/** Bytes before the topic's number. */
export const CHANNEL_PREFIX_BYTES = 2;

export function channelOf(topic: number): string {
  return `t:${topic}`;
}
