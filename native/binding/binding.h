// What the addon gives to JavaScript, typed in electron/engine/addon.ts.
#pragma once

#include <napi.h>

namespace winnow {

// Constructors of the classes whose objects the addon makes.
struct AddonData {
  Napi::FunctionReference model, trainer;
};

Napi::Function define_model(Napi::Env env);
Napi::Value load_model(const Napi::CallbackInfo& info);

Napi::Function define_trainer(Napi::Env env);
Napi::Value create_trainer(const Napi::CallbackInfo& info);
Napi::Value solve_head(const Napi::CallbackInfo& info);

}  // namespace winnow
