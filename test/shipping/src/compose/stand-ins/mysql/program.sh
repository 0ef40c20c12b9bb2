#!/bin/sh
# A program of /opt/mysql, of this file's name, with the libraries that came with it.
root=/opt/mysql/usr
library=$root/lib/x86_64-linux-gnu
name=$(basename "$0")
for program in "$root/sbin/$name" "$root/bin/$name"; do
  [ -e "$program" ] && exec "$library/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$root/lib/mysql/private:$library" "$program" "$@"
done
exit 127
