#!/bin/sh
# Packs strace recordings for the repository: one scenarios/recorded/NAME.tar.xz for each
# folder NAME, with maps-more.tar.gz unpacked into maps/. The same input gives the same bytes.
#
# usage: tools/pack-recordings.sh FOLDER...
set -eu
[ $# -gt 0 ] || {
	echo "usage: $0 FOLDER... (each holds a trace.strace)" >&2
	exit 2
}
out=$(cd "$(dirname "$0")/.." && pwd)/scenarios/recorded
mkdir -p "$out"
scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT

for folder; do
	name=$(basename "$folder")
	[ -f "$folder/trace.strace" ] || {
		echo "$0: $folder holds no trace.strace" >&2
		exit 1
	}
	mkdir "$scratch/$name"
	for file in "$folder"/*; do
		cp -r "$file" "$scratch/$name/"
	done
	chmod -R u+w "$scratch/$name"
	if [ -f "$scratch/$name/maps-more.tar.gz" ]; then
		tar -xzf "$scratch/$name/maps-more.tar.gz" -C "$scratch/$name"
		rm "$scratch/$name/maps-more.tar.gz"
	fi
	tar -C "$scratch" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
		--mtime=@0 --mode=u=rwX,go=rX -cf - "$name" |
		xz -9e -T1 >"$out/$name.tar.xz"
	chmod -R u+w "$scratch/$name"
	rm -rf "${scratch:?}/$name"
done
du -sh "$out"
