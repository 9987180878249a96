/**
 * What functions, settings and clauses of databases reach beyond their tables, as data. Sources: the
 * manuals of PostgreSQL 18 and its contrib modules, MySQL 8.4, MariaDB 11, SQLite 3.46, ClickHouse 24,
 * DuckDB 1.1, SQL Server 2022. Not caught here: functions that somebody added to a server.
 */

export type FileAccess = 'read' | 'write' | 'delete';

/** What a function does with its arguments. */
export type Reach =
  | { readonly kind: 'file'; readonly access: FileAccess; readonly argument: number }
  /** The argument is SQL that runs; -1 = the last one that is text. */
  | { readonly kind: 'sql'; readonly argument: number }
  /** The argument is a command line for a shell of the server. */
  | { readonly kind: 'program'; readonly argument: number }
  /** It loads or runs code that isn't SQL. */
  | { readonly kind: 'code' };

function reach(text: string): ReadonlyMap<string, readonly Reach[]> {
  const table = new Map<string, Reach[]>();
  for (const entry of text.trim().split(/\s+/)) {
    const [name = '', what = '', position = '0'] = entry.split(':');
    const argument = Number(position);
    const made: Reach =
      what === 'sql' || what === 'program'
        ? { kind: what, argument }
        : what === 'code'
          ? { kind: 'code' }
          : { kind: 'file', access: what as FileAccess, argument };
    table.set(name, [...(table.get(name) ?? []), made]);
  }
  return table;
}

/** `name:what:argument`. */
export const FUNCTIONS = reach(`
  pg_read_file:read:0 pg_read_binary_file:read:0 pg_ls_dir:read:0 pg_stat_file:read:0
  lo_import:read:0 lo_export:write:1 pg_file_read:read:0 pg_file_write:write:0
  pg_file_unlink:delete:0 pg_file_rename:delete:0 pg_file_rename:write:1
  query_to_xml:sql:0 query_to_xmlschema:sql:0 query_to_xml_and_xmlschema:sql:0
  dblink:sql:-1 dblink_exec:sql:-1 dblink_open:sql:-1 dblink_send_query:sql:-1
  ts_stat:sql:0 ts_rewrite:sql:-1 crosstab:sql:0 crosstab2:sql:0 crosstab3:sql:0 crosstab4:sql:0
  schedule:sql:-1 schedule_in_database:sql:2 run_command_on_workers:sql:0
  run_command_on_placements:sql:-1 run_command_on_shards:sql:-1 run_command_on_all_nodes:sql:0
  load_file:read:0 sys_exec:program:0 sys_eval:program:0 cmdshell:program:0 exec_shell:program:0
  readfile:read:0 writefile:write:0 fsdir:read:0 zipfile:read:0 load_extension:code edit:code
  fts3_tokenizer:code
  read_csv:read:0 read_csv_auto:read:0 read_text:read:0 read_blob:read:0 read_json:read:0
  read_json_auto:read:0 read_ndjson:read:0 read_parquet:read:0 parquet_scan:read:0
  file:read:0 executable:code executablepool:code
  sp_oacreate:code sp_oamethod:code xp_dirtree:read:0 xp_fileexist:read:0 openrowset:code
  sp_executesql:sql:0 xp_cmdshell:program:0 plperl_call_handler:code plpython3_call_handler:code
`);

/** Functions whose name says so little that only a call with brackets counts. */
export const ONLY_CALLED: ReadonlySet<string> = new Set([
  'schedule',
  'edit',
  'executable',
  'crosstab',
  'zipfile',
  'file',
]);

/** Settings of PostgreSQL that hold a command line for a shell. */
export const COMMAND_SETTINGS: ReadonlySet<string> = new Set([
  'archive_command',
  'restore_command',
  'archive_cleanup_command',
  'recovery_end_command',
  'ssl_passphrase_command',
]);

/** Settings that name libraries, or where they are looked for. */
export const LIBRARY_SETTINGS: ReadonlySet<string> = new Set([
  'shared_preload_libraries',
  'session_preload_libraries',
  'local_preload_libraries',
  'dynamic_library_path',
  'archive_library',
  'jit_provider',
  'plugin_dir',
  'init_connect',
  'init_file',
]);

/** Settings that name a file which the server then writes. */
export const FILE_SETTINGS: ReadonlySet<string> = new Set([
  'general_log_file',
  'slow_query_log_file',
  'log_directory',
  'log_filename',
]);

/** Settings that change how strings are read. */
export const QUOTE_SETTINGS: ReadonlySet<string> = new Set([
  'standard_conforming_strings',
  'backslash_quote',
  'sql_mode',
  'quoted_identifier',
]);
