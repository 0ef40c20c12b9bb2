import { join } from 'node:path';
import { findGo, provisionOnce, runCommand } from '@tapline/test-stack';

const VERSION = '3.22.0';
/** The Kubernetes that `helm template` and `helm lint` take for granted: the one of its client library, as in Helm's own builds. */
const KUBERNETES = { major: '1', minor: '37' };

function linkerFlags(): string {
  const values = {
    'internal/version.version': `v${VERSION}`,
    'pkg/lint/rules.k8sVersionMajor': KUBERNETES.major,
    'pkg/lint/rules.k8sVersionMinor': KUBERNETES.minor,
    'pkg/chartutil.k8sVersionMajor': KUBERNETES.major,
    'pkg/chartutil.k8sVersionMinor': KUBERNETES.minor,
  };
  return ['-s -w', ...Object.entries(values).map(([name, value]) => `-X helm.sh/helm/v3/${name}=${value}`)].join(' ');
}

/** The helm program, built once from its module with the machine's Go (minutes) at the lowest priority; undefined: there is no Go. */
export async function findHelm(): Promise<string | undefined> {
  const go = findGo();
  if (go === undefined) return undefined;
  const { folder } = await provisionOnce(`helm-${VERSION}`, async (into) => {
    const env = { GOBIN: into, CGO_ENABLED: '0', GOFLAGS: '-trimpath', GOTOOLCHAIN: 'local' };
    const module = `helm.sh/helm/v3/cmd/helm@v${VERSION}`;
    await runCommand('nice', ['-n', '19', go, 'install', '-ldflags', linkerFlags(), module], {
      package: 'golang',
      env,
    });
    return [`helm ${VERSION}`];
  });
  return join(folder, 'helm');
}
