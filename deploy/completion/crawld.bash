# bash completion of crawld. Written by scripts/completion.py from what `crawld --help` says.

# $1: a command, as 'frontier list'. Sets commands (those below it) and options.
_crawld_facts() {
  commands='' options=''
  case $1 in
    '') commands='run check schema status submit pause resume block unblock reload log-level fetch frontier url links robots sitemap charset evolution' options='-h --help --version --help-all' ;;
    'run') commands='' options='-h --help -c --config --once' ;;
    'check') commands='' options='-h --help -c --config --strict --accept' ;;
    'schema') commands='' options='-h --help --as' ;;
    'status') commands='' options='-h --help -c --config --socket --address --token-file --format --watch --check' ;;
    'submit') commands='' options='-h --help -c --config --socket --address --token-file --sitemaps --format' ;;
    'pause') commands='' options='-h --help -c --config --socket --address --token-file --host --domain --why --format' ;;
    'resume') commands='' options='-h --help -c --config --socket --address --token-file --host --domain --why --format' ;;
    'block') commands='' options='-h --help -c --config --socket --address --token-file --host --domain --why --format' ;;
    'unblock') commands='' options='-h --help -c --config --socket --address --token-file --host --domain --why --format' ;;
    'reload') commands='' options='-h --help -c --config --socket --address --token-file --format' ;;
    'log-level') commands='' options='-h --help -c --config --socket --address --token-file' ;;
    'fetch') commands='' options='-h --help -c --config' ;;
    'frontier') commands='stats list export explain' options='-h --help' ;;
    'frontier stats') commands='' options='-h --help -c --config --format' ;;
    'frontier list') commands='' options='-h --help -c --config --limit' ;;
    'frontier export') commands='' options='-h --help -c --config' ;;
    'frontier explain') commands='' options='-h --help -c --config --format' ;;
    'url') commands='' options='-h --help --base' ;;
    'links') commands='' options='-h --help --base --charset --resources' ;;
    'robots') commands='' options='-h --help --agent --url --urls-from --list' ;;
    'sitemap') commands='' options='-h --help --url' ;;
    'charset') commands='' options='-h --help --content-type' ;;
    'evolution') commands='' options='-h --help --urls --workers --format --fetch-delay --parse-delay --parse-busy --ca' ;;
  esac
}

# $1: a command and an option. Sets kind: what value it takes, or nothing.
_crawld_value() {
  kind=''
  case $1 in
    'run -c' | 'run --config') kind='config' ;;
    'check -c' | 'check --config') kind='config' ;;
    'check --accept') kind='key' ;;
    'schema --as') kind='words json-schema example table warnings man' ;;
    'status -c' | 'status --config') kind='config' ;;
    'status --socket') kind='file' ;;
    'status --address') kind='text' ;;
    'status --token-file') kind='file' ;;
    'status --format') kind='words text json' ;;
    'status --check') kind='words alive ready' ;;
    'submit -c' | 'submit --config') kind='config' ;;
    'submit --socket') kind='file' ;;
    'submit --address') kind='text' ;;
    'submit --token-file') kind='file' ;;
    'submit --format') kind='words text json' ;;
    'pause -c' | 'pause --config') kind='config' ;;
    'pause --socket') kind='file' ;;
    'pause --address') kind='text' ;;
    'pause --token-file') kind='file' ;;
    'pause --host') kind='text' ;;
    'pause --domain') kind='text' ;;
    'pause --why') kind='text' ;;
    'pause --format') kind='words text json' ;;
    'resume -c' | 'resume --config') kind='config' ;;
    'resume --socket') kind='file' ;;
    'resume --address') kind='text' ;;
    'resume --token-file') kind='file' ;;
    'resume --host') kind='text' ;;
    'resume --domain') kind='text' ;;
    'resume --why') kind='text' ;;
    'resume --format') kind='words text json' ;;
    'block -c' | 'block --config') kind='config' ;;
    'block --socket') kind='file' ;;
    'block --address') kind='text' ;;
    'block --token-file') kind='file' ;;
    'block --host') kind='text' ;;
    'block --domain') kind='text' ;;
    'block --why') kind='text' ;;
    'block --format') kind='words text json' ;;
    'unblock -c' | 'unblock --config') kind='config' ;;
    'unblock --socket') kind='file' ;;
    'unblock --address') kind='text' ;;
    'unblock --token-file') kind='file' ;;
    'unblock --host') kind='text' ;;
    'unblock --domain') kind='text' ;;
    'unblock --why') kind='text' ;;
    'unblock --format') kind='words text json' ;;
    'reload -c' | 'reload --config') kind='config' ;;
    'reload --socket') kind='file' ;;
    'reload --address') kind='text' ;;
    'reload --token-file') kind='file' ;;
    'reload --format') kind='words text json' ;;
    'log-level -c' | 'log-level --config') kind='config' ;;
    'log-level --socket') kind='file' ;;
    'log-level --address') kind='text' ;;
    'log-level --token-file') kind='file' ;;
    'fetch -c' | 'fetch --config') kind='config' ;;
    'frontier stats -c' | 'frontier stats --config') kind='config' ;;
    'frontier stats --format') kind='words text json' ;;
    'frontier list -c' | 'frontier list --config') kind='config' ;;
    'frontier list --limit') kind='text' ;;
    'frontier export -c' | 'frontier export --config') kind='config' ;;
    'frontier explain -c' | 'frontier explain --config') kind='config' ;;
    'frontier explain --format') kind='words text json' ;;
    'url --base') kind='text' ;;
    'links --base') kind='text' ;;
    'links --charset') kind='text' ;;
    'robots --agent') kind='text' ;;
    'robots --url') kind='text' ;;
    'robots --urls-from') kind='file' ;;
    'sitemap --url') kind='text' ;;
    'charset --content-type') kind='text' ;;
    'evolution --urls') kind='file' ;;
    'evolution --workers') kind='text' ;;
    'evolution --format') kind='words text json' ;;
    'evolution --fetch-delay') kind='text' ;;
    'evolution --parse-delay') kind='text' ;;
    'evolution --ca') kind='file' ;;
  esac
}

# $1: a command and which of its arguments it is, from 1. Sets kind, as above.
_crawld_argument() {
  kind=''
  case $1 in
    'submit '*) kind='file' ;;
    'log-level ''1') kind='words trace debug info warn error critical off' ;;
    'fetch ''1') kind='text' ;;
    'frontier explain ''1') kind='text' ;;
  esac
}

_crawld() {
  local path='' option='' current='' arguments=0 word commands options kind i
  _crawld_facts ''
  # bash makes words of their own of what stands around "=".
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i == COMP_CWORD)); then
      current=$word
      [[ $word == = && -n $option ]] && current=''
    elif [[ -n $option ]]; then
      [[ $word == = ]] || option=''
    elif [[ $word == -* ]]; then
      _crawld_value "$path $word"
      [[ -z $kind ]] || option=$word
    elif [[ " $commands " == *" $word "* ]]; then
      path=${path:+$path }$word
      _crawld_facts "$path"
    else
      ((arguments++))
    fi
  done

  COMPREPLY=()
  if [[ -n $option ]]; then
    _crawld_value "$path $option"
  elif [[ $current == -* ]]; then
    kind="words $options"
  elif [[ -n $commands ]]; then
    kind="words $commands"
  else
    _crawld_argument "$path $((arguments + 1))"
  fi
  case $kind in
    config)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -X '!*.yaml' -- "$current"; compgen -f -X '!*.yml' -- "$current"
        compgen -d -- "$current")
      ;;
    file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      ;;
    key) mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" schema --as table 2>/dev/null | sed -n 's/^| `\([^`]*\)`.*/\1/p')" -- "$current") ;;
    words*) mapfile -t COMPREPLY < <(compgen -W "${kind#words }" -- "$current") ;;
  esac
}

complete -F _crawld crawld
