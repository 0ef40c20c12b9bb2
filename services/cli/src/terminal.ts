/** A reporter of a few lines on stderr, with seconds since the start. */
export function reporter(): (line: string) => void {
  const started = performance.now();
  return (line) => {
    process.stderr.write(`[${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s] ${line}\n`);
  };
}
