/**
 * Every bound of the shell reader. What goes over one becomes an uncertainty, never an error and never
 * a silent cut.
 */

/** Longest input that is read, in UTF-8 bytes. */
export const MAX_LINE_BYTES = 65_536;
/** Programs inside programs: `sh -c` in `sudo` in `ssh` …, functions and substitutions included. */
export const MAX_DEPTH = 24;
/** Nodes, words and calls looked at for one input. */
export const MAX_STEPS = 6_000;
/** Variables, functions, aliases and files copied for a subshell or a branch that count as one step. */
export const ENTRIES_PER_STEP = 64;
/** Characters parsed for one input, nested programs included. */
export const MAX_PARSED_CHARACTERS = 262_144;
/** Commands reported for one input. */
export const MAX_COMMANDS = 500;
/** Uncertainties reported for one input; more of them say nothing new. */
export const MAX_UNCERTAINTIES = 100;
/** Words that one word may become by brace expansion. */
export const MAX_BRACE_WORDS = 256;
/** Alias replacements for one input: an alias may name another, or itself. */
export const MAX_ALIAS_REPLACEMENTS = 100;
/** Values of a loop that are followed one by one. */
export const MAX_LOOP_VALUES = 48;
/** Longest value of a variable or of a command's literal output that is kept, in UTF-16 units. */
export const MAX_VALUE_CHARACTERS = 16_384;
/** Variables, functions, aliases and files remembered in one session, each. */
export const MAX_REMEMBERED = 1_000;
/** Opening brackets in one input; the grammar recurses on them. */
export const MAX_BRACKETS_NESTED = 200;
/** Directories in which a session may be, since every `cd` may fail. */
export const MAX_DIRECTORIES = 32;
