/** The clients of the matrix that take longest. */
import { CLIENTS } from './clients.ts';
import { testClients } from './client-tests.ts';

testClients(
  'the matrix of clients: playbooks',
  CLIENTS.filter(({ name }) => name.startsWith('ansible')),
);
