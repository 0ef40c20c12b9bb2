/** One command of `tapline`. */
export interface CliCommand {
  /** Runs it and gives the exit code: 0 done, 1 failed, 2 wrong command line or configuration. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

export interface CommandEntry {
  readonly name: string;
  /** One line for `tapline help`. */
  readonly summary: string;
  /** Loads the command's own code, only when it is asked for: `tapline help` starts no driver. */
  readonly load: () => Promise<CliCommand>;
}
