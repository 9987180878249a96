/** Every client but those that take longest; see playbooks.test.ts. */
import { CLIENTS } from './clients.ts';
import { testClients } from './client-tests.ts';

testClients(
  'the matrix of clients',
  CLIENTS.filter(({ name }) => !name.startsWith('ansible')),
);
