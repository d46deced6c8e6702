# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion of movephys(8) for bash. What options there are the tool tells itself.

_movephys()
{
	local word=${COMP_WORDS[COMP_CWORD]} words=
	local help

	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--to | --from)
		words=$(cd /sys/devices/system/node && printf '%s\n' node[0-9]*)
		words=${words//node/} ;;
	--pid)
		words=$(cd /proc && printf '%s\n' [0-9]*) ;;
	--cgroup)
		mapfile -t COMPREPLY < <(compgen -d -- "${word:-/sys/fs/cgroup/}")
		return ;;
	--idle | --accessed | --limit | --rate | --budget | --watch)
		return ;;
	*)
		help=$("$1" --help 2>/dev/null)
		words=$(grep -o -e '^  --[a-z-]*' <<<"$help") ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
} && complete -F _movephys movephys
