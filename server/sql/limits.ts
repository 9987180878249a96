/** Every bound of the SQL reader. What goes over one becomes an uncertainty, never an error. */

/** Longest SQL text that is read, in UTF-16 units. */
export const MAX_SQL_CHARACTERS = 1_048_576;
/** Statements of one text that are reported. */
export const MAX_STATEMENTS = 1_000;
/** Tokens of one text; rows of literal values count once. */
export const MAX_TEXT_TOKENS = 16_000;
/** Tokens of one text that are given to a grammar; rows of literal values count once. */
export const MAX_PARSED_TOKENS = 10_000;
/** What a call of a grammar costs beside the tokens, in tokens. */
export const PARSE_COST = 15;
/** The same beside that for the grammar of MySQL. */
export const MYSQL_COST = 20;
/** The same for a routine, which is parsed twice. */
export const ROUTINE_COST = 60;
/** Open brackets in a statement that PostgreSQL's grammar is given; it recurses on them. */
export const MAX_NESTING = 100;
/** Signs and words of one statement on which PostgreSQL's grammar may recurse without brackets. */
export const MAX_STATEMENT_TOKENS = 4_000;
/** The same for the grammar of MySQL: it tries some brackets twice, each pair of them inside another. */
export const MAX_MYSQL_NESTING = 10;
export const MAX_MYSQL_TOKENS = 1_000;
/** Tokens of one text given to the grammar of MySQL while they are nested in brackets. */
export const MAX_MYSQL_NESTED_TOKENS = 2_000;
/** Texts inside texts: bodies of routines, dynamic statements, variables. */
export const MAX_SQL_DEPTH = 6;
/** Calls in one statement that reach a file, a program or a text. */
export const MAX_REACHES = 40;
/** Texts inside texts of one reading. */
export const MAX_INNER_TEXTS = 200;
/** Longest value of a variable that is remembered, in UTF-16 units. */
export const MAX_SQL_VALUE_CHARACTERS = 8_192;
/** Variables and prepared statements of a connection that are remembered, each. */
export const MAX_SQL_VARIABLES = 200;
/** Replacements of `:name` in one text. */
export const MAX_REPLACEMENTS = 200;
/** Longest delimiter. */
export const MAX_DELIMITER_CHARACTERS = 16;
/** Reasons for uncertainty that one reading reports. */
export const MAX_SQL_UNCERTAINTIES = 50;
