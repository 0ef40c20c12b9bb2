import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TaplineError } from '@tapline/kernel';
import { cacheFolder, provisionOnce } from './cache.ts';
import { runCommand } from './command.ts';
import { withFileLock } from './lock.ts';

const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
const MAVEN = { package: 'maven' };
/** Eclipse's compiler runs on a JRE, which is all that is asked of a machine. */
const COMPILER_VERSION = '3.37.0';
const CLASS_RELEASE = '17';

export interface Java {
  readonly command: string;
  /** Feature release, like 17. */
  readonly release: number;
}

/** The machine's Java: JAVA_HOME's, else the one on PATH. */
export async function findJava(): Promise<Java> {
  const home = process.env['JAVA_HOME'];
  const command = home && existsSync(join(home, 'bin/java')) ? join(home, 'bin/java') : 'java';
  const remedy = 'Install a JDK of release 17 or later: apt-get install openjdk-17-jre-headless.';
  const settings = await runCommand('sh', ['-c', '"$1" -XshowSettings:properties -version 2>&1', 'java', command], {
    package: 'openjdk-17-jre-headless',
  }).catch((cause: unknown) => {
    throw new TaplineError('STACK_PREREQUISITE', { message: 'Kafka needs Java, and none was found.', remedy, cause });
  });
  const release = Number(/java\.specification\.version = (\d+)/.exec(settings)?.[1] ?? 0);
  if (release < 17)
    throw new TaplineError('STACK_PREREQUISITE', { message: `Kafka needs Java 17, not ${release}.`, remedy });
  return { command, release };
}

// In a folder of its own: goals without a project leave notes where they run of what they have unpacked, and would not unpack it again for a cache
// that was emptied since.
// Two Maven runs share ~/.m2, which is not safe while both write the same artifact.
async function maven(args: readonly string[]): Promise<void> {
  await withFileLock(join(cacheFolder(), 'locks', 'maven.lock'), async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'tapline-maven-'));
    try {
      await runCommand('mvn', ['-B', '-q', '-Dstyle.color=never', ...args], { ...MAVEN, cwd });
    } finally {
      await rm(cwd, { recursive: true, force: true });
    }
  });
}

const NOTHING_ELSE = '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>';

/**
 * Copies the jars of `coordinates` (group:artifact:version) into `folder`, with all they need at run time; `alone`: just these, for a list
 * that was chosen by hand because what is declared is far more than what is used.
 */
export async function copyJars(
  coordinates: readonly string[],
  work: string,
  folder: string,
  { alone = false }: { readonly alone?: boolean } = {},
): Promise<readonly string[]> {
  const dependencies = coordinates.map((coordinate) => {
    const [group = '', artifact = '', version = ''] = coordinate.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${alone ? NOTHING_ELSE : ''}</dependency>`;
  });
  const pom = join(work, 'pom.xml');
  await writeFile(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>tapline</groupId>
<artifactId>stack</artifactId><version>1</version><packaging>pom</packaging><dependencies>${dependencies.join('\n')}</dependencies></project>\n`,
  );
  await maven([
    '-f',
    pom,
    `${DEPENDENCY_PLUGIN}:copy-dependencies`,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${folder}`,
  ]);
  return (await readdir(folder)).toSorted();
}

/** Fetches one archive artifact (group:artifact:version:type[:classifier]) and unpacks it into `folder`. */
export async function unpackArtifact(coordinate: string, folder: string): Promise<readonly string[]> {
  await maven([`${DEPENDENCY_PLUGIN}:unpack`, `-Dartifact=${coordinate}`, `-DoutputDirectory=${folder}`]);
  return [coordinate];
}

/** Compiles the file `source` against every jar in the folders `libraries`; class files go under `into`. */
export async function compileJava(source: string, libraries: readonly string[], into: string): Promise<void> {
  const { folder } = await provisionOnce(
    `java-compiler-${COMPILER_VERSION}`,
    async (target) => await copyJars([`org.eclipse.jdt:ecj:${COMPILER_VERSION}`], target, target),
  );
  const { command } = await findJava();
  const jars = await Promise.all(
    libraries.map(async (library) => (await readdir(library)).map((jar) => join(library, jar))),
  );
  await mkdir(into, { recursive: true });
  await runCommand(
    command,
    [
      ...['-jar', join(folder, `ecj-${COMPILER_VERSION}.jar`)],
      ...['--release', CLASS_RELEASE, '-nowarn', '-proc:none', '-cp', jars.flat().join(':'), '-d', into, source],
    ],
    { package: 'openjdk-17-jre-headless' },
  );
}
