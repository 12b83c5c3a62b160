/** HTTP as tests need it: any method, and answers whose headers are as they were sent. */
import { type IncomingHttpHeaders, request } from 'node:http';

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export type Ask = (path: string, headers?: Record<string, string>, method?: string) => Promise<HttpAnswer>;

/** Asks a server on loopback from an address of that, over a connection of its own each time. */
export function asker(port: number, localAddress = '127.0.0.1'): Ask {
  return (path, headers = {}, method = 'GET') =>
    new Promise((resolve, reject) => {
      const host = '127.0.0.1';
      const from = { host, port, localAddress, agent: false };
      const asked = request({ ...from, path, method, headers }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      });
      asked.on('error', reject);
      asked.end();
    });
}
