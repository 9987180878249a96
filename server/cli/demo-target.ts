/** The child process of the demo's target; see demo.ts. It ends when its parent does. */
import type { DemoTargetOrder } from './demo.ts';
import type { Verb } from './verb.ts';

export const demoTarget: Verb = {
  name: 'demo-target',
  usage: '',
  summary: 'the demo target, started by serve',
  options: {},
  positionals: [0, 0],
  run: async () => {
    if (process.send === undefined) return 2;
    const { startDemoTarget } = await import('../ssh/demo-target.ts');
    const order = await new Promise<DemoTargetOrder>((resolve) => {
      process.once('message', (message) => resolve(message as DemoTargetOrder));
    });
    // Ctrl-C in the terminal reaches every process of the group; the parent decides when we end.
    process.on('SIGINT', () => {});
    const ended = new Promise<void>((resolve) => {
      process.once('disconnect', resolve);
      process.once('SIGTERM', resolve);
    });
    try {
      const target = await startDemoTarget({
        hostKeyPem: Buffer.from(order.hostKeyPem),
        authorizedKeyBlob: Buffer.from(order.authorizedKey, 'base64'),
        shell: order.shell,
        listen: { host: '127.0.0.1', port: 0 },
      });
      process.send({ host: target.host, port: target.port });
      await ended;
      await target.close();
    } finally {
      // The channel to the parent would keep this process.
      if (process.connected) process.disconnect();
    }
    return 0;
  },
};
