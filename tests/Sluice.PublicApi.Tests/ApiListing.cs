using System.Reflection;
using System.Text;

namespace Sluice.PublicApi.Tests;

/// <summary>
/// The public surface of an assembly as text, one member a line in a stable order, to be compared with a checked-in
/// file, so that a change of the surface is seen in review.
/// </summary>
internal static class ApiListing
{
    /// <summary>Set to 1, it makes <see cref="Check"/> rewrite the files.</summary>
    public const string AcceptVariable = "SLUICE_ACCEPT_API";

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>Compares an assembly's surface with its listing, and says how to accept a change.</summary>
    /// <param name="assembly">The package's assembly.</param>
    /// <param name="file">The listing in the source tree.</param>
    public static void Check(Assembly assembly, string file)
    {
        var actual = Of(assembly);
        if (Environment.GetEnvironmentVariable(AcceptVariable) == "1") File.WriteAllText(file, actual);
        var expected = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "";
        if (actual == expected) return;
        var before = expected.Split('\n');
        var now = actual.Split('\n');
        var message = new StringBuilder($"the public surface of {assembly.GetName().Name} is not the one in {Path.GetFileName(file)}:\n");
        foreach (var line in before.Except(now)) message.Append("- ").AppendLine(line.Trim());
        foreach (var line in now.Except(before)) message.Append("+ ").AppendLine(line.Trim());
        message.Append($"If that is meant, run this test once with {AcceptVariable}=1, and commit the file it rewrites.");
        throw new InvalidOperationException(message.ToString());
    }

    public static string Of(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            text.Append(Head(type)).Append('\n');
            foreach (var member in Members(type).Order(StringComparer.Ordinal)) text.Append("    ").Append(member).Append('\n');
        }
        return text.ToString();
    }

    private static string Head(Type type)
    {
        var kind = type switch
        {
            { IsInterface: true } => "interface",
            { IsEnum: true } => "enum",
            { IsValueType: true } => IsReadOnly(type) ? "readonly struct" : "struct",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        if (typeof(Delegate).IsAssignableFrom(type)) kind = "delegate";
        var bases = new List<string>();
        if (type is { IsClass: true, BaseType: { } parent } && parent != typeof(object) && kind != "delegate") bases.Add(Name(parent));
        if (type.IsEnum) bases.Add(Name(Enum.GetUnderlyingType(type)));
        else bases.AddRange(OwnInterfaces(type).Select(Name).Order(StringComparer.Ordinal));
        var name = $"{type.Namespace}.{Name(type)}";
        return bases.Count == 0 ? $"{kind} {name}" : $"{kind} {name} : {string.Join(", ", bases)}";
    }

    private static IEnumerable<Type> OwnInterfaces(Type type)
        => type.GetInterfaces().Where(i => i.IsPublic).Except(type.BaseType?.GetInterfaces() ?? []);

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            foreach (var name in Enum.GetNames(type)) yield return $"{name} = {Enum.Format(type, Enum.Parse(type, name), "D")}";
            yield break;
        }
        foreach (var constructor in type.GetConstructors(Declared).Where(IsVisible))
        {
            if (!constructor.IsStatic) yield return $"{Access(constructor)}{Name(type)}({Parameters(constructor)})";
        }
        foreach (var field in type.GetFields(Declared).Where(f => f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly))
        {
            yield return field.IsLiteral
                ? $"const {Name(field.FieldType)} {field.Name} = {field.GetRawConstantValue()}"
                : $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{Name(field.FieldType)} {field.Name}";
        }
        foreach (var property in type.GetProperties(Declared)) if (Property(property) is { } line) yield return line;
        foreach (var @event in type.GetEvents(Declared).Where(e => e.AddMethod is { } add && IsVisible(add)))
        {
            yield return $"{Access(@event.AddMethod!)}event {Name(@event.EventHandlerType!)} {@event.Name}";
        }
        foreach (var method in type.GetMethods(Declared).Where(IsVisible).Where(IsWritten))
        {
            yield return $"{Access(method)}{Annotated(new NullabilityInfoContext().Create(method.ReturnParameter))} {method.Name}{Generics(method)}({Parameters(method)})";
        }
    }

    private static string? Property(PropertyInfo property)
    {
        var get = property.GetMethod is { } g && IsVisible(g) ? g : null;
        var set = property.SetMethod is { } s && IsVisible(s) ? s : null;
        if ((get ?? set) is not { } any || property.Name == "EqualityContract") return null;
        var isInit = set?.ReturnParameter.GetRequiredCustomModifiers().Any(m => m.Name == "IsExternalInit") == true;
        var accessors = (get is null ? "" : "get; ") + (set is null ? "" : isInit ? "init; " : "set; ");
        var index = property.GetIndexParameters();
        var name = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(Parameter))}]";
        return $"{Access(any)}{Annotated(new NullabilityInfoContext().Create(property))} {name} {{ {accessors}}}";
    }

    // What the compiler adds (accessors, a record's members) is no news.
    private static bool IsWritten(MethodInfo method)
        => (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal))
            && !method.Name.Contains('<', StringComparison.Ordinal)
            && method.GetCustomAttribute<System.Runtime.CompilerServices.CompilerGeneratedAttribute>() is null;

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsReadOnly(Type type)
        => type.GetCustomAttribute<System.Runtime.CompilerServices.IsReadOnlyAttribute>() is not null;

    private static string Access(MethodBase method)
    {
        var access = method.IsPublic ? "" : "protected ";
        if (method.IsStatic) return access + "static ";
        if (method.DeclaringType!.IsInterface) return method.IsAbstract ? "" : "default ";
        if (method is not MethodInfo info || !method.IsVirtual || (method.IsFinal && info.GetBaseDefinition() == info)) return access;
        if (info.GetBaseDefinition() != info) return access + "override ";
        return access + (method.IsAbstract ? "abstract " : "virtual ");
    }

    private static string Generics(MethodInfo method)
        => method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var prefix = "";
        if (parameter.ParameterType.IsByRef) prefix = parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ";
        if (parameter.GetCustomAttribute<ParamArrayAttribute>() is not null
            || parameter.GetCustomAttribute<System.Runtime.CompilerServices.ParamCollectionAttribute>() is not null) prefix = "params ";
        var value = parameter.HasDefaultValue ? $" = {Default(parameter)}" : "";
        return $"{prefix}{Annotated(new NullabilityInfoContext().Create(parameter))} {parameter.Name}{value}";
    }

    // With a question mark where null is allowed.
    private static string Annotated(NullabilityInfo info)
    {
        var type = info.Type.IsByRef ? info.Type.GetElementType()! : info.Type;
        if (type.IsValueType || info.Type.IsByRef || type.IsGenericParameter)
        {
            return type.IsGenericType && info.GenericTypeArguments.Length > 0 && Nullable.GetUnderlyingType(type) is null ? Generic(type, info) : Name(type);
        }
        var mark = info.ReadState == NullabilityState.Nullable || info.WriteState == NullabilityState.Nullable ? "?" : "";
        return (type.IsGenericType ? Generic(type, info) : Name(type)) + mark;
    }

    private static string Generic(Type type, NullabilityInfo info)
    {
        var name = Name(type);
        return $"{name[..name.IndexOf('<', StringComparison.Ordinal)]}<{string.Join(", ", info.GenericTypeArguments.Select(Annotated))}>";
    }

    private static string Default(ParameterInfo parameter) => parameter.DefaultValue switch
    {
        null => parameter.ParameterType.IsValueType ? "default" : "null",
        string s => $"\"{s}\"",
        bool b => b ? "true" : "false",
        var value => value.ToString()!,
    };

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } value) return Name(value) + "?";
        if (type.IsArray) return Name(type.GetElementType()!) + "[]";
        if (type.IsByRef) return "ref " + Name(type.GetElementType()!);
        var name = type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        if (type.IsGenericType)
        {
            var tick = name.IndexOf('`', StringComparison.Ordinal);
            if (tick >= 0) name = name[..tick];
            return $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
        }
        return type.FullName switch
        {
            "System.Int32" => "int",
            "System.Int64" => "long",
            "System.UInt32" => "uint",
            "System.UInt16" => "ushort",
            "System.Byte" => "byte",
            "System.Boolean" => "bool",
            "System.String" => "string",
            "System.Object" => "object",
            "System.Void" => "void",
            _ => name,
        };
    }
}
