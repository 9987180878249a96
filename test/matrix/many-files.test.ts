/** What takes a client longest: a tree of many files. */
import { CLIENTS } from './clients.ts';
import { MANY_FILES, testClients } from './client-tests.ts';

testClients(
  'the matrix of clients: many files',
  CLIENTS.flatMap((client) => {
    const check = client.checks[MANY_FILES];
    return check === undefined ? [] : [{ ...client, checks: { [MANY_FILES]: check } }];
  }),
);
