using System.CommandLine;
using System.CommandLine.Parsing;
using Sluice.Cli.Options;
using Sluice.Compression;

namespace Sluice.Cli.Connect;

/// <summary>The options of <c>sluice connect</c>, and what of them can't go together.</summary>
internal sealed class ConnectOptions
{
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);

    private readonly Argument<Uri> _url = new("URL")
    {
        Description = "The server, as ws://127.0.0.1:8080/echo or wss://example.com/; http and https mean the same.",
        CustomParser = ParseUrl,
    };

    private readonly Option<bool> _text = new("--text") { Description = "Send text messages. [default]" };
    private readonly Option<bool> _binary = new("--binary") { Description = "Send binary messages." };
    private readonly Setting<TimeSpan> _every = Duration.Option("--every", "Send the current time at this interval, instead of the lines of stdin.", null, Instant, TimeSpan.FromDays(1));
    private readonly Option<string?> _message = new("--message") { Description = "With --every: send this instead of the time.", HelpName = "text" };
    private readonly Option<int?> _count = Number("--count", "With --every: send so many messages.");
    private readonly Option<int?> _closeAfter = Number("--close-after", "Close the connection normally after so many messages received.");
    private readonly Setting<TimeSpan> _linger = Duration.Option("--linger", "When there is nothing more to send, close once nothing has come for this long; off: leave it to the server. [default: 1s, on a terminal at once, with --close-after off]", null, Instant, TimeSpan.FromDays(1), mayBeOff: true);
    private readonly Option<bool> _echo = new("--echo") { Description = "Send back whatever comes, until the server closes; stdin is not read." };
    private readonly Option<int?> _repeat = Number("--repeat", "With --echo: make so many connections, one after the other, however each ends.");
    private readonly Option<bool> _json = new("--json") { Description = "Print a line of JSON for each event instead of the messages." };
    private readonly Option<string[]> _subprotocols = new("--subprotocol") { Description = "A subprotocol to offer, in order of preference; may be given several times.", HelpName = "name" };
    private readonly Option<KeyValuePair<string, string>[]> _headers = new("--header") { Description = "A header to add to the request; may be given several times.", HelpName = "'Name: value'", CustomParser = ParseHeaders };
    private readonly Option<bool> _compress = new("--compress") { Description = "Offer permessage-deflate." };
    private readonly Option<string?> _origin = new("--origin") { Description = "The Origin to show, as a browser does.", HelpName = "origin" };
    private readonly DialOptions _dial = new();
    private readonly Option<string[]> _first = new("--first") { Description = "Send this before anything else, over each connection anew; may be given several times.", HelpName = "text" };
    private readonly Option<bool> _reconnect = new("--reconnect") { Description = "When the connection is lost, or the server not there, connect again, after waits that grow; what may have arrived is not sent again." };
    private readonly Option<int?> _attempts = Number("--attempts", "With --reconnect: give up after so many attempts in a row.");
    private readonly Setting<long> _maxMessage = ByteSize.Option("--max-message", "The largest message to receive, and the longest line to send.", 16 << 20, 1, 1 << 30);
    private readonly Setting<TimeSpan> _ping = Duration.Option("--ping", "How often to ping; a server that answers none of two is given up.", TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1), mayBeOff: true);

    public void AddTo(Command command)
    {
        command.Add(_url);
        Option[] options =
        [
            _text, _binary, _every, _message, _count, _closeAfter, _linger, _echo, _repeat, _reconnect, _attempts, _first,
            _json, _subprotocols, _headers, _compress, _origin, _maxMessage, _ping,
        ];
        foreach (var option in options) command.Add(option);
        _dial.AddTo(command);
    }

    /// <exception cref="UsageException">The options contradict each other, or a file can't be read.</exception>
    /// <exception cref="ArgumentException">A header or a subprotocol is malformed.</exception>
    public ConnectSettings Read(ParseResult result)
    {
        if (FindContradiction(result) is { } contradiction) throw new UsageException(contradiction);
        return new ConnectSettings
        {
            Url = result.GetValue(_url)!,
            Client = _dial.Apply(result, result.GetValue(_url)!, new WebSocketClientOptions
            {
                Subprotocols = result.GetValue(_subprotocols) ?? [],
                Headers = result.GetValue(_headers) ?? [],
                Origin = result.GetValue(_origin),
                Compression = result.GetValue(_compress) ? CompressionOptions.Default : null,
                Connection = new ConnectionOptions { MaxMessageSize = _maxMessage.Read(result), KeepAliveInterval = _ping.Read(result) },
            }),
            Type = result.GetValue(_binary) ? MessageType.Binary : MessageType.Text,
            Every = _every.Given(result),
            Message = result.GetValue(_message),
            Count = result.GetValue(_count),
            CloseAfter = result.GetValue(_closeAfter),
            Linger = ReadLinger(result),
            Echo = result.GetValue(_echo),
            Repeat = result.GetValue(_repeat),
            Reconnect = result.GetValue(_reconnect) ? new ReconnectOptions { MaxAttempts = result.GetValue(_attempts) ?? int.MaxValue } : null,
            First = result.GetValue(_first) ?? [],
            Json = result.GetValue(_json),
        };
    }

    private string? FindContradiction(ParseResult result)
    {
        bool Has(Option option) => result.GetResult(option) is { Implicit: false };
        if (Has(_text) && Has(_binary)) return "--text and --binary exclude each other: a message is one or the other";
        if (Has(_echo) && (Has(_text) || Has(_binary))) return "--echo returns each message as what it came, so --text and --binary are of no use with it";
        if (Has(_echo) && Has(_every)) return "--echo sends only what came; leave out --echo or --every";
        if (Has(_echo) && Has(_linger)) return "--echo has no end of its own that --linger could wait after; leave out one of them";
        if (Has(_message) && !Has(_every)) return "--message is what --every sends; add --every 1s, or pipe the message in: printf 'hello\\n' | sluice connect …";
        if (Has(_count) && !Has(_every)) return "--count is how often --every sends; add --every 1s";
        if (Has(_repeat) && !Has(_echo)) return "--repeat makes several connections for --echo; add --echo";
        if (Has(_reconnect) && Has(_repeat)) return "--repeat connects again however a connection ends, --reconnect when it is lost; leave out one of them";
        if (Has(_attempts) && !Has(_reconnect)) return "--attempts bounds --reconnect; add --reconnect";
        return null;
    }

    private TimeSpan ReadLinger(ParseResult result)
    {
        if (_linger.Given(result) is { } given) return given;
        if (result.GetValue(_closeAfter) is not null) return Timeout.InfiniteTimeSpan;
        // Whoever types Ctrl+D has seen the answers.
        return _every.Given(result) is null && !Console.IsInputRedirected ? TimeSpan.Zero : TimeSpan.FromSeconds(1);
    }

    private static Uri? ParseUrl(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "ws" or "wss" or "http" or "https" && url.Host.Length > 0)
        {
            if (url.Fragment.Length > 0) result.AddError("a WebSocket URL has no fragment; write # as %23");
            else if (url.UserInfo.Length > 0) result.AddError("a user name in the URL would not be sent; use --user name:password");
            return url;
        }
        if (text.StartsWith('-'))
        {
            result.AddError($"there is no option '{text}'");
            return null;
        }
        result.AddError(text.Contains("://", StringComparison.Ordinal) || text.Length == 0
            ? $"'{text}' is no WebSocket URL; write ws://host:port/path or wss://host/path"
            : $"'{text}' has no scheme; did you mean ws://{text}?");
        return null;
    }

    private static KeyValuePair<string, string>[] ParseHeaders(ArgumentResult result)
    {
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var token in result.Tokens)
        {
            var colon = token.Value.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) headers.Add(new(token.Value[..colon], token.Value[(colon + 1)..].Trim()));
            else result.AddError($"'{token.Value}' is no header; write --header 'Name: value'");
        }
        return [.. headers];
    }

    private static Option<int?> Number(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, out var number) && number > 0) return number;
            result.AddError($"'{result.Tokens[0].Value}' is no number from 1 to {int.MaxValue} for {name}");
            return null;
        },
    };
}
