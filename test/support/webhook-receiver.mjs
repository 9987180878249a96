// A receiver of webhooks in a process of its own. Its argument is a port, 0 for any; it prints the port it
// has, then every request that it has read, as a line of JSON. The path says how it answers.
import { createServer } from 'node:http';

const ANSWERS = {
  '/ok': [200, {}, 'ok'],
  '/refused': [400, {}, 'invalid_payload'],
  '/failing': [503, { 'retry-after': '0' }, 'down'],
  '/moved': [302, { location: '/ok' }, ''],
  '/big': [200, {}, 'x'.repeat(8 * 1024 * 1024)],
};

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts).toString();
    const { headers, method, url } = request;
    process.stdout.write(`${JSON.stringify({ headers, method, url, body })}\n`);
    if (url === '/hanging') return;
    if (url === '/cut') return request.socket.destroy();
    const [status, more, text] = ANSWERS[url] ?? [404, {}, 'nothing'];
    response.writeHead(status, more).end(text);
  });
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
});
