/** Every client and check but those that take longest; see playbooks.test.ts and many-files.test.ts. */
import { CLIENTS } from './clients.ts';
import { MANY_FILES, testClients } from './client-tests.ts';

testClients(
  'the matrix of clients',
  CLIENTS.filter(({ name }) => !name.startsWith('ansible')).map((client) => {
    const { [MANY_FILES]: _long, ...checks } = client.checks;
    return { ...client, checks };
  }),
);
