
# From here on by hand: completions/parts/command.fish.

# The words from COMMAND to before the cursor, once it has begun.
function __recycle_command
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                string join0 -- $words
                return 0
            case '-*'
                if contains -- $words[1] @WITH_VALUE@
                    set -e words[1]
                end
            case '*'
                string join0 -- $words
                return 0
        end
        set -e words[1]
    end
    return 1
end

function __recycle_options
    not __recycle_command >/dev/null
end

# What is known of COMMAND goes on, as if it stood there alone.
function __recycle_complete_command
    set -l words (__recycle_command | string split0 | string escape) (commandline -ct)
    # An option is none.
    string match -q -- '-*' $words[1]
    or complete -C (string join ' ' -- $words)
end

function __recycle_map_signal
    if string match -q '*:*' -- (commandline -ct)
        string replace -r ':.*' '' -- (commandline -ct) | read -l from
        printf '%s\n' $from:{none,recycle,@SIGNALS_LIST@}
    else
        printf '%s:\n' @CAUGHT@
    end
end

complete -c recycle -n 'not __fish_contains_opt chart' -x -a '(__recycle_complete_command)'
complete -c recycle -n '__fish_contains_opt chart' -F
complete -c recycle -n __recycle_options -l map-signal -x -a '(__recycle_map_signal)'
complete -c recycle -n __recycle_options -l metrics -x -a 'statsd:// prom:'
complete -c recycle -n __recycle_options -l traffic -x \
    -a '(__fish_complete_list , "printf %s\\\\n @TRAFFIC@")'
