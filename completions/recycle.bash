_recycle() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="recycle"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        recycle)
            opts="-q -v -h -V --idle --max-rss --max-pss --kill-rss --max-lifetime --jitter --min-lifetime --quiet --quiet-wait --traffic --idle-floor --settle --idle-cpu --stdin --max-line --drain-timeout --eof-timeout --stop-signal --stop-timeout --pre-stop --pre-stop-timeout --then --signal-scope --map-signal --chdir --restart --max-restarts --backoff --chart --log-format --sample-every --metrics --on-event --name --quiet-log --verbose --observe --explain --help --version"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --idle)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --max-rss)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --max-pss)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --kill-rss)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --max-lifetime)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --jitter)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --min-lifetime)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --quiet)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --quiet-wait)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --traffic)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --idle-floor)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --settle)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --idle-cpu)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --stdin)
                    COMPREPLY=($(compgen -W "inherit lines" -- "${cur}"))
                    return 0
                    ;;
                --max-line)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --drain-timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --eof-timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --stop-signal)
                    COMPREPLY=($(compgen -W "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS" -- "${cur}"))
                    return 0
                    ;;
                --stop-timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --pre-stop)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --pre-stop-timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --then)
                    COMPREPLY=($(compgen -W "restart exit command wait" -- "${cur}"))
                    return 0
                    ;;
                --signal-scope)
                    COMPREPLY=($(compgen -W "child group" -- "${cur}"))
                    return 0
                    ;;
                --map-signal)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --chdir)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --restart)
                    COMPREPLY=($(compgen -W "never on-failure always" -- "${cur}"))
                    return 0
                    ;;
                --max-restarts)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --backoff)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --log-format)
                    COMPREPLY=($(compgen -W "text json logfmt" -- "${cur}"))
                    return 0
                    ;;
                --sample-every)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --metrics)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --on-event)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --name)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _recycle_or_command -o nosort -o bashdefault -o default recycle
else
    complete -F _recycle_or_command -o bashdefault -o default recycle
fi

# From here on by hand: completions/parts/command.bash.
#
# Where COMMAND begins, its own completion goes on. Before that, bash has broken the words at `=` and
# `:`, which nobody else puts together again.
_recycle_or_command() {
    local with_value=" --idle --max-rss --max-pss --kill-rss --max-lifetime --jitter --min-lifetime --quiet --quiet-wait --traffic --idle-floor --settle --idle-cpu --stdin --max-line --drain-timeout --eof-timeout --stop-signal --stop-timeout --pre-stop --pre-stop-timeout --then --signal-scope --map-signal --chdir --restart --max-restarts --backoff --log-format --sample-every --metrics --on-event --name "
    local at=1 current=$2 option value=0 word
    # Of a word that is nothing but a break, nothing has been typed.
    [[ $current != [=:] ]] || current=

    while ((at < COMP_CWORD)); do
        word=${COMP_WORDS[at]}
        case $word in
            --) ((at++)) && break ;;
            # Whatever follows is a file, which is what bash takes what is not known for.
            --chart) COMPREPLY=() && return ;;
            -*) ((at++)) ;;
            *) break ;;
        esac
        [[ $with_value == *" $word "* ]] || continue
        option=$word
        [[ ${COMP_WORDS[at]} != "=" ]] || ((at++))
        value=$((at++))
        while [[ ${COMP_WORDS[at]-} == [=:] ]]; do ((at += 2)); done
    done

    if ((at > COMP_CWORD)); then
        _recycle_value "$1" "$current" "$option" $((COMP_CWORD - value))
    elif [[ $at -eq $COMP_CWORD && ${COMP_WORDS[at - 1]} != "--" && $current == -* ]]; then
        _recycle "$1" "$current" "$3"
    # Newer and older bash-completion. Without it COMMAND has files, again by bash itself.
    elif declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$at"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$at"
    elif ((at == COMP_CWORD)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
    else
        COMPREPLY=()
    fi
}

# The value of this option, of which so many pieces are there already.
_recycle_value() {
    local current=$2 option=$3 pieces=$4 before=
    case $option in
        --traffic)
            before=${current%"${current##*,}"}
            mapfile -t COMPREPLY < <(compgen -P "$before" -W "stdin sockets tcp udp unix inbound" -- "${current##*,}")
            ;;
        --map-signal)
            # Where bash does not break at colons.
            [[ $current != *:* ]] || before=${current%%:*}:
            if [[ $pieces -gt 0 || $before ]]; then
                mapfile -t COMPREPLY < <(
                    compgen -P "$before" -W "none recycle HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS" -- "${current#"$before"}"
                )
                return
            fi
            mapfile -t COMPREPLY < <(compgen -S : -W "HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS" -- "$current")
            ;;
        --metrics)
            # A file, of which bash knows itself.
            ((pieces == 0)) || return
            mapfile -t COMPREPLY < <(compgen -W "statsd:// prom:" -- "$current")
            ;;
        *)
            _recycle "$1" "$current" "$option"
            return
            ;;
    esac
    compopt -o nospace
}
