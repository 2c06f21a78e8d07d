using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Sluice.Handshake;

/// <summary>
/// Walks once over the value of <c>Sec-WebSocket-Extensions</c> (RFC 6455 §9.1). White space may stand on both
/// sides of every separator, as the implied *LWS of RFC 2616, whose grammar §9.1 uses, has it.
/// </summary>
internal ref struct ExtensionParser(string header)
{
    private readonly ReadOnlySpan<char> _text = header;
    private int _position;
    private string? _error;

    public bool TryParse(out IReadOnlyList<ExtensionOffer> offers, [NotNullWhen(false)] out string? error)
    {
        var list = new List<ExtensionOffer>();
        while (SkipToOffer())
        {
            if (list.Count == ExtensionOffer.MaxCount) Fail($"more than {ExtensionOffer.MaxCount} offers; offer fewer");
            else if (TryReadOffer() is { } offer) list.Add(offer);
            if (_error is not null) break;
        }

        if (_error is null && list.Count == 0) Fail("no extension; leave the header out to offer none");
        error = _error;
        offers = error is null ? list : [];
        return error is null;
    }

    // extension-list = 1#extension: empty elements are passed over (RFC 9110 §5.6.1.2).
    private bool SkipToOffer()
    {
        SkipWhiteSpace();
        while (Take(',')) SkipWhiteSpace();
        return _position < _text.Length;
    }

    // extension = extension-token *( ";" extension-param )
    private ExtensionOffer? TryReadOffer()
    {
        if (!TryReadToken("an extension's name", out var name)) return null;
        List<ExtensionParameter>? parameters = null;
        SkipWhiteSpace();
        while (Take(';'))
        {
            if (parameters?.Count == ExtensionOffer.MaxParameters)
            {
                Fail($"more than {ExtensionOffer.MaxParameters} parameters in one offer; send fewer");
                return null;
            }

            if (!TryReadParameter(out var parameter)) return null;
            (parameters ??= []).Add(parameter);
            SkipWhiteSpace();
        }

        if (_position < _text.Length && _text[_position] != ',')
        {
            FailExpecting("\";\", \",\" or the end");
            return null;
        }

        return new ExtensionOffer(name, CollectionsMarshal.AsSpan(parameters));
    }

    // extension-param = token [ "=" (token | quoted-string) ]
    private bool TryReadParameter(out ExtensionParameter parameter)
    {
        parameter = default;
        SkipWhiteSpace();
        if (!TryReadToken("a parameter's name", out var name)) return false;
        SkipWhiteSpace();
        if (!Take('='))
        {
            parameter = new ExtensionParameter(name);
            return true;
        }

        SkipWhiteSpace();
        if (!TryReadValue(out var value)) return false;
        parameter = new ExtensionParameter(name, value);
        return true;
    }

    private bool TryReadValue([NotNullWhen(true)] out string? value)
    {
        if (_position == _text.Length || _text[_position] != '"') return TryReadToken("a parameter's value", out value);
        if (!HttpGrammar.TryReadQuoted(_text[_position..], out value, out var length))
        {
            Fail("a quoted value that does not end, or holds a control character");
            return false;
        }

        // "the value after quoted-string unescaping MUST conform to the 'token' ABNF"
        if (!HttpGrammar.IsToken(value))
        {
            Fail($"the quoted value {Excerpt.Of(value)}, which is not a token");
            return false;
        }

        _position += length;
        return true;
    }

    private bool TryReadToken(string what, [NotNullWhen(true)] out string? token)
    {
        var length = HttpGrammar.TokenLength(_text[_position..]);
        if (length == 0)
        {
            token = null;
            FailExpecting(what);
            return false;
        }

        token = _text.Slice(_position, length).ToString();
        _position += length;
        return true;
    }

    private void SkipWhiteSpace()
    {
        var length = _text[_position..].IndexOfAnyExcept(' ', '\t');
        _position = length < 0 ? _text.Length : _position + length;
    }

    private bool Take(char separator)
    {
        if (_position == _text.Length || _text[_position] != separator) return false;
        _position++;
        return true;
    }

    private void FailExpecting(string what)
    {
        var found = _position == _text.Length ? "its end" : Excerpt.Of(_text.Slice(_position, 1));
        Fail($"{found} where {what} should stand");
    }

    private void Fail(string found) =>
        _error = $"{FieldNames.Extensions} has, at character {_position + 1}, {found} (RFC 6455 §9.1)";
}
