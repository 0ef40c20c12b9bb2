#!/bin/sh
# Runs a command where a node can be: in a network, a tree of mounts and of processes of their own, so that nothing of it stays on the machine. As root.
#   namespace.sh COMMAND…      (the node's address in there: $TAPLINE_NODE_ADDRESS)
set -eu
if [ "${TAPLINE_IN_NAMESPACE:-}" != 1 ]; then
  export TAPLINE_IN_NAMESPACE=1
  # It ends with whoever called it.
  exec setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir /run/netns
ip link set lo up
ip link add node0 type bridge
ip address add "$TAPLINE_NODE_ADDRESS/24" dev node0
ip link set node0 up
ip route add default dev node0
sysctl -qw net.ipv4.ip_forward=1
# kubelet sets these for the whole machine; here it finds that they are set, and can set nothing.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
for setting in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1; do
  file=/run/sys/${setting%%=*}
  mkdir -p "$(dirname "$file")"
  echo "${setting##*=}" >"$file"
  mount --bind "$file" "/proc/sys/${setting%%=*}"
done
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,rw /proc/sys/net
mount --make-rshared /
exec "$@"
