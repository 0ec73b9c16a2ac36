#!/bin/sh
# SPDX-License-Identifier: MIT
# Turns the SQL of this folder into C: sql/embed.sh header|source > file
#
#   migrations/NNNN_*.sql   ->  sql_migrations[], in order
#   views.sql               ->  sql_views
#   queries/*.sql           ->  one sql_NAME for each line "-- name: NAME"
set -eu
cd "$(dirname "$0")"
LC_ALL=C
export LC_ALL

names() {
	sed -n 's/^-- name: \([a-z0-9_]*\)$/\1/p' queries/*.sql | sort
}

# Bytes as numbers: no quoting to get wrong and no limit on a literal's length.
bytes() {
	printf 'const char %s[] = {\n' "$1"
	od -An -v -tu1 | sed 's/  */, /g; s/^, //; s/$/,/'
	printf '0};\n'
}

case ${1-} in
header)
	echo '/* Made by sql/embed.sh. */'
	echo '#ifndef GSM_SQL_H'
	echo '#define GSM_SQL_H'
	echo 'struct sql_migration {'
	echo '	int version;'
	echo '	const char *text;'
	echo '};'
	echo 'extern const struct sql_migration sql_migrations[];'
	echo 'extern const int sql_migration_count;'
	echo 'extern const char sql_views[];'
	names | sed 's/.*/extern const char sql_&[];/'
	echo '#endif'
	;;
source)
	echo '/* Made by sql/embed.sh. */'
	echo '#include "sql.h"'
	n=0
	for f in migrations/*.sql; do
		n=$((n + 1))
		printf 'static '
		bytes "migration_$n" <"$f"
	done
	echo 'const struct sql_migration sql_migrations[] = {'
	n=0
	for f in migrations/*.sql; do
		n=$((n + 1))
		echo "	{$n, migration_$n},"
	done
	echo '};'
	echo "const int sql_migration_count = $n;"
	bytes sql_views <views.sql
	names | while read -r name; do
		awk -v want="-- name: $name" \
		    '/^-- name: /{on = ($0 == want); next} on' queries/*.sql |
		    bytes "sql_$name"
	done
	;;
*)
	echo 'usage: sql/embed.sh header|source' >&2
	exit 2
	;;
esac
