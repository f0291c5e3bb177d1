# SPDX-License-Identifier: MIT
#
# Completion of xq for bash. Commands and options come from xq's own help, so that they can't differ from it.

_xq_types='s8 u8 s4 u4 s2 u2 t2 b1 c4 c8 s16 u16'

_xq_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_xq_value() {
	case $1 in
	--*-type | --type) _xq_words "$_xq_types" "$2" ;;
	--device) _xq_words "soft $(compgen -G '/dev/xqaccel*')" "$2" ;;
	--requant) _xq_words 'onnx tflite tflite-single floor-shift' "$2" ;;
	--layout) _xq_words 'nchw nhwc' "$2" ;;
	--scheme) _xq_words 'symmetric affine binary bwn twn kmeans: vsquant mx4 mx6 mx9 mxint8' "$2" ;;
	--granularity) _xq_words 'tensor channel: group:' "$2" ;;
	--calibrate) _xq_words 'minmax percentile: mse kl laplace gauss ema:' "$2" ;;
	--round) _xq_words 'nearest even stochastic:' "$2" ;;
	*) return 1 ;;
	esac
}

_xq() {
	local word previous command i
	word=${COMP_WORDS[COMP_CWORD]}
	previous=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()

	if ((COMP_CWORD == 1)); then
		_xq_words "help $(xq help 2>/dev/null | awk '/^  [a-z]/ { print $1 }' | sort -u)" "$word"
		return
	fi
	command=${COMP_WORDS[1]}
	if [[ $command == bench ]]; then
		if ((COMP_CWORD == 2)); then
			_xq_words "$(xq help 2>/dev/null | awk '$1 == "bench" { print $2 }')" "$word"
			return
		fi
		command="bench ${COMP_WORDS[2]}"
	fi
	_xq_value "$previous" "$word" && return
	if [[ $word == -* ]]; then
		# shellcheck disable=SC2086  # two words for bench
		_xq_words "$(xq $command --help 2>/dev/null | grep -oE -- '--[a-z][a-z0-9-]*' | sort -u)" "$word"
		return
	fi
	while read -r i; do
		[[ -d $i || $i == *.npy ]] && COMPREPLY+=("$i")
	done < <(compgen -f -- "$word")
}

complete -o filenames -F _xq xq
