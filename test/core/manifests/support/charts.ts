import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { tool } from '../../../tools/index.ts';
import type { ServedArchive } from './chart-repository.ts';
import type { Files } from './workspace.ts';

/** A chart with one Deployment, one Service and a test hook. */
export function webChart(name: string, version = '1.0.0', more: Files = {}): Files {
  return {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: ${version}\n`,
    'values.yaml': 'replicas: 1\nimage:\n  tag: latest\nargs: [one, two]\n',
    'templates/deployment.yaml': `# the web server
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  namespace: {{ .Release.Namespace }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: web:{{ .Values.image.tag }}
          args: {{ toJson .Values.args }}
`,
    'templates/service.yaml': `apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    kube-version: {{ .Capabilities.KubeVersion.Version | quote }}
    has-monitor: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor" | quote }}
spec:
  selector: {app: web}
`,
    'templates/tests/ping.yaml': `apiVersion: v1
kind: Pod
metadata:
  name: ping
  annotations:
    helm.sh/hook: test
spec: {}
`,
    ...more,
  };
}

/** Files with a folder before their names. */
export function under(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]));
}

/** The archive that `helm package` makes of a chart. */
export async function packaged(name: string, version: string, files: Files): Promise<ServedArchive> {
  const folder = await mkdtemp(join(tmpdir(), 'gitops-chart-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name, path)), { recursive: true });
      await writeFile(join(folder, name, path), content);
    }
    await promisify(execFile)(await tool('helm'), ['package', join(folder, name), '--destination', folder]);
    return { name, version, archive: await readFile(join(folder, `${name}-${version}.tgz`)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
