# Prints the options of the yt-dlp that this interpreter imports, as JSON: {"version", "options"}; see scripts/ytdlp-options.ts.
import json
import optparse

from yt_dlp import options
from yt_dlp.version import __version__

# The text of --update depends on how yt-dlp was installed.
options.is_non_updateable = lambda: None
parser = options.create_parser()


def check_of(option):
    """What the option asks of its value, beyond its type."""
    name = getattr(option.callback, '__name__', None)
    given = option.callback_kwargs or {}
    if name == '_set_from_options_callback':
        return {'members': sorted(given['allowed_values']), 'aliases': {key: list(value) for key, value in given.get('aliases', {}).items()}}
    if name == '_dict_from_options_callback' and given.get('default_key') is None:
        return {'keys': r'[\w-]+' if 'allowed_keys' not in given else given['allowed_keys']}
    return {}


def describe(group, option):
    shown = option.help is not optparse.SUPPRESS_HELP
    described = {'flags': option._short_opts + option._long_opts, 'values': option.nargs if option.takes_value() else 0}
    if option.type in ('int', 'float'):
        described['type'] = option.type
    if option.choices:
        described['choices'] = list(option.choices)
    described.update(check_of(option))
    if 'members' in described or 'keys' in described:
        described['metavar'] = option.metavar
    if shown:
        described['group'] = group.title
        described['description'] = parser.formatter.expand_default(option)
    return described


parser.formatter.set_parser(parser)
found = [describe(group, option) for group in [parser, *parser.option_groups] for option in group.option_list]
print(json.dumps({'version': __version__, 'options': found}))
